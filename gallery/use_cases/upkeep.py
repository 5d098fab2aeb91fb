"""Upkeep: calibrate a gallery's threshold and look for what is wrong with it."""

import asyncio
from dataclasses import replace

from gallery import calibration, diagnosis
from gallery.domain import (
    DEFAULT_TARGET_FPIR,
    EVERYTHING,
    CalibrationReport,
    Cohort,
    Finding,
    TemplateFilter,
)
from gallery.errors import NotEnoughEvidence
from gallery.use_cases.base import UseCases
from gallery.use_cases.galleries import next_version, with_threshold


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
