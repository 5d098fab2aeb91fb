"""Calibrations, findings and changes, as protobuf and back."""

from uuid import UUID

import numpy as np

from gallery.domain import (
    CalibrationReport,
    Change,
    Cohort,
    Finding,
    FindingKind,
    Interval,
    OperatingPoint,
)
from gallery.errors import InvalidIdentifier, InvalidRequest
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire.keeping import enum_message, read_enum, read_threshold, threshold_message


def cohort_messages(cohort: Cohort) -> list[pb.StrangerEmbedding]:
    """Write a caller's own strangers."""
    return [
        pb.StrangerEmbedding(person=person, values=row.tolist())
        for person, row in zip(cohort.people, cohort.embeddings, strict=True)
    ]


def read_cohort(request: pb.CalibrateRequest) -> Cohort | None:
    """Read a caller's own strangers, None without any; raises InvalidRequest when their lengths differ.

    A model's digest without strangers is a cohort of nobody, which raises NotEnoughEvidence: it is not the bundled one.
    """
    if not request.strangers and not request.strangers_model_digest:
        return None
    lengths = {len(stranger.values) for stranger in request.strangers}
    if len(lengths) > 1:
        raise InvalidRequest(
            f"the strangers' embeddings have lengths from {min(lengths)} to {max(lengths)}",
            expected="embeddings of one model, as Embed gives them",
        )
    rows = [stranger.values for stranger in request.strangers]
    embeddings = np.array(rows, np.float32).reshape(len(rows), max(lengths, default=0))
    people = tuple(stranger.person for stranger in request.strangers)
    return Cohort(request.strangers_model_digest, embeddings, people)


def calibrate_message(report: CalibrationReport) -> pb.CalibrateResponse:
    """Write what a calibration found."""
    return pb.CalibrateResponse(
        threshold=threshold_message(report.threshold),
        tpir=None if report.tpir is None else _interval_message(report.tpir),
        fpir=_interval_message(report.fpir),
        det=[pb.OperatingPoint(threshold=at.threshold, fpir=at.fpir, fnir=at.fnir) for at in report.det],
        stranger_people=report.stranger_people,
        stranger_images=report.stranger_images,
        effective_strangers=report.effective_strangers,
        strangers_needed=report.strangers_needed,
        sufficient=report.sufficient,
        applied=report.applied,
    )


def read_calibrate(message: pb.CalibrateResponse) -> CalibrationReport:
    """Read what a calibration found."""
    return CalibrationReport(
        threshold=read_threshold(message.threshold),
        tpir=_read_interval(message.tpir) if message.HasField("tpir") else None,
        fpir=_read_interval(message.fpir),
        det=tuple(OperatingPoint(at.threshold, at.fpir, at.fnir) for at in message.det),
        stranger_people=message.stranger_people,
        stranger_images=message.stranger_images,
        effective_strangers=message.effective_strangers,
        strangers_needed=message.strangers_needed,
        sufficient=message.sufficient,
        applied=message.applied,
    )


def finding_message(finding: Finding) -> pb.Finding:
    """Write something to mend."""
    return pb.Finding(
        kind=enum_message(finding.kind, "FINDING_KIND"),
        identity_ids=finding.identity_ids,
        distance=finding.distance,
        template_id="" if finding.template_id is None else str(finding.template_id),
        command=finding.command,
    )


def read_finding(message: pb.Finding) -> Finding:
    """Read something to mend."""
    return Finding(
        kind=read_enum(message.kind, FindingKind, "FINDING_KIND", pb.FindingKind.Name),
        identity_ids=tuple(message.identity_ids),
        distance=message.distance,
        template_id=UUID(message.template_id) if message.template_id else None,
        command=message.command,
    )


def change_message(change: Change) -> pb.Change:
    """Write a merge or split that was done."""
    return pb.Change(change_id=str(change.change_id), moved_template_count=change.moved)


def read_change(message: pb.Change) -> Change:
    """Read a merge or split that was done."""
    return Change(UUID(message.change_id), message.moved_template_count)


def read_change_id(text: str) -> UUID:
    """Read a UUID; raises InvalidIdentifier."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidIdentifier(
            f"the change id {text[:40]!r} is no UUID", expected="a change_id as a merge or split answers it"
        ) from None


def _interval_message(interval: Interval) -> pb.Interval:
    return pb.Interval(value=interval.value, low=interval.low, high=interval.high, count=interval.n)


def _read_interval(message: pb.Interval) -> Interval:
    return Interval(message.value, message.low, message.high, message.count)
