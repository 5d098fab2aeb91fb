"""Upkeep: calibrate a gallery's threshold, look for what is wrong with it, let templates expire."""

import asyncio
from dataclasses import replace

from gallery import calibration, diagnosis
from gallery.domain import (
    EVERYTHING,
    CalibrationReport,
    Cohort,
    Finding,
    Gallery,
    TemplateFilter,
    ThresholdOrigin,
)
from gallery.errors import GalleryChanged, GalleryNotFound, NotEnoughEvidence
from gallery.use_cases.base import UseCases
from gallery.use_cases.galleries import next_version, with_threshold
from gallery.use_cases.paging import MAX_PAGE_SIZE

DEFAULT_TARGET_FPIR = 0.01


class Upkeep(UseCases):
    """What keeps a gallery's answers true."""

    async def calibrate(
        self,
        gallery_id: str,
        *,
        target_fpir: float = DEFAULT_TARGET_FPIR,
        cohort: Cohort | None = None,
        where: TemplateFilter = EVERYTHING,
        dry_run: bool = False,
    ) -> CalibrationReport:
        """Set the threshold at which ``target_fpir`` of strangers are taken for somebody, and report what it rests on.

        ``cohort`` is the caller's own strangers; None means those bundled with the model. Raises InvalidParameter,
        NotEnoughEvidence, ModelMismatch, GalleryChanged; on an error nothing is changed.
        """
        gallery = await self._open(gallery_id)
        strangers = self._cohort if cohort is None else cohort
        if strangers is None:
            raise NotEnoughEvidence(
                "no strangers are bundled with this model",
                expected="a cohort of people who are not enrolled",
                remedy="calibrate with pictures of strangers of your own",
            )
        aim = calibration.Aim(target_fpir, gallery.policy.fusion)
        templates = [template async for template in self._scan(gallery_id, self._alive(where))]
        enrolled = calibration.Enrolled.of(templates)
        report = await asyncio.to_thread(
            calibration.calibrate, enrolled, strangers, aim, next_version(gallery), self._clock()
        )
        if dry_run:
            return report
        await self._store.update_gallery(with_threshold(gallery, report.threshold), replacing=gallery)
        return replace(report, applied=True)

    async def diagnose(self, gallery_id: str) -> tuple[Finding, ...]:
        """Look for likely duplicates, outlier templates, and identities no threshold can tell apart; nearest first."""
        gallery = await self._open(gallery_id)
        threshold = (await self._basis(None, gallery)).threshold
        templates = [template async for template in self._scan(gallery_id, self._alive())]
        return await asyncio.to_thread(diagnosis.examine, templates, threshold, gallery_id)

    async def tend(self) -> None:
        """Erase what has expired, and calibrate anew the galleries whose policy asks for it. Run now and then."""
        after = ""
        while galleries := await self._store.list_galleries(after=after, limit=MAX_PAGE_SIZE):
            for gallery in galleries:
                try:
                    await self._store.delete_expired(gallery.gallery_id, self._clock())
                    await self._recalibrate_if_grown(gallery)
                except (GalleryNotFound, GalleryChanged):
                    continue  # somebody else was faster; the next round sees what is there then
            after = galleries[-1].gallery_id

    async def _recalibrate_if_grown(self, gallery: Gallery) -> None:
        growth, threshold = gallery.policy.recalibrate_at_growth, gallery.threshold
        if growth is None or threshold is None or threshold.origin is not ThresholdOrigin.CALIBRATED:
            return
        if threshold.identity_count is None or threshold.target_fpir is None:
            return
        if gallery.model_digest != self._embedder.card.digest or self._cohort is None:
            return
        if await self._store.count_identities(gallery.gallery_id) >= growth * threshold.identity_count:
            await self.calibrate(gallery.gallery_id, target_fpir=threshold.target_fpir)
