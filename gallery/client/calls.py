"""The one table of calls: how each request is built and how its answer is read, for both clients.

What the use cases would refuse but the wire cannot say (a page size of 0 means the default there) is refused
here with the same errors.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar
from uuid import UUID

from google.protobuf.message import Message

from gallery.domain import (
    CalibrationReport,
    Change,
    Cohort,
    Embedded,
    EncodedImage,
    EnrolmentResult,
    ErasureReceipt,
    ExportPage,
    Finding,
    Gallery,
    Identification,
    Identity,
    IdentitySummary,
    Page,
    Policy,
    TemplateFilter,
    Verification,
    checked_gallery_id,
)
from gallery.errors import InvalidParameter, InvalidRequest
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire import enrolment, erasure, export, keeping, upkeep, values

Answer = TypeVar("Answer")
Parameters = ParamSpec("Parameters")


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """A request to one RPC, and how to read what comes back."""

    method: str
    request: Message
    read: Callable[[Any], Answer]


def _sendable(build: Callable[Parameters, Call[Answer]]) -> Callable[Parameters, Call[Answer]]:
    """Refuse what protobuf cannot hold: a number too large, a text that is no Unicode."""

    @functools.wraps(build)
    def build_or_refuse(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Call[Answer]:
        try:
            return build(*args, **kwargs)
        except ValueError as error:
            raise InvalidRequest(f"the request cannot be sent: {error}") from error

    return build_or_refuse


@_sendable
def create_gallery(gallery_id: str, *, threshold: float | None, policy: Policy | None) -> Call[Gallery]:
    """Ask for a new gallery."""
    request = pb.CreateGalleryRequest(gallery_id=gallery_id, threshold=threshold, policy=_policy(policy))
    return Call("CreateGallery", request, lambda response: keeping.read_gallery(response.gallery))


@_sendable
def get_gallery(gallery_id: str) -> Call[Gallery]:
    """Ask about one gallery."""
    request = pb.GetGalleryRequest(gallery_id=gallery_id)
    return Call("GetGallery", request, lambda response: keeping.read_gallery(response.gallery))


@_sendable
def list_galleries(*, page_size: int, page_token: str) -> Call[Page[Gallery]]:
    """Ask for a page of galleries."""
    request = pb.ListGalleriesRequest(page_size=_stated("page size", page_size), page_token=page_token)
    return Call(
        "ListGalleries",
        request,
        lambda response: Page(tuple(map(keeping.read_gallery, response.galleries)), response.next_page_token),
    )


@_sendable
def update_gallery(
    gallery_id: str, *, pinned_threshold: float | None, model_threshold: bool, policy: Policy | None
) -> Call[Gallery]:
    """Ask for a change of a gallery."""
    if pinned_threshold is not None and model_threshold:
        raise InvalidRequest("a threshold cannot be pinned and be the model's", expected="one of the two")
    request = pb.UpdateGalleryRequest(gallery_id=gallery_id, policy=_policy(policy))
    if pinned_threshold is not None:
        request.pinned_threshold = pinned_threshold
    if model_threshold:
        request.model_threshold = True
    return Call("UpdateGallery", request, lambda response: keeping.read_gallery(response.gallery))


@_sendable
def delete_gallery(gallery_id: str) -> Call[ErasureReceipt]:
    """Ask for the erasure of a gallery."""
    request = pb.DeleteGalleryRequest(gallery_id=gallery_id)
    return Call("DeleteGallery", request, lambda response: erasure.read_receipt(response.receipt))


@_sendable
def enroll(
    gallery_id: str, identity_id: str, images: Sequence[EncodedImage], *, all_or_nothing: bool
) -> Call[EnrolmentResult]:
    """Ask for an enrolment."""
    request = pb.EnrollRequest(
        gallery_id=gallery_id,
        identity_id=identity_id,
        images=[values.image_message(image) for image in images],
        all_or_nothing=all_or_nothing,
    )
    return Call("Enroll", request, enrolment.read_enroll)


@_sendable
def identify(
    gallery_id: str, image: EncodedImage, *, max_candidates: int, threshold: float | None, where: TemplateFilter
) -> Call[tuple[Identification, ...]]:
    """Ask who the people of a picture are."""
    request = pb.IdentifyRequest(
        gallery_id=gallery_id,
        image=values.image_message(image),
        max_candidates=_stated("max_candidates", max_candidates),
        threshold=threshold,
        filter=values.filter_message(where),
    )
    return Call("Identify", request, values.read_identify)


@_sendable
def verify_identity(
    gallery_id: str, image: EncodedImage, identity_id: str, *, threshold: float | None
) -> Call[Verification]:
    """Ask whether a probe is a certain identity."""
    request = pb.VerifyRequest(
        gallery_id=gallery_id, image=values.image_message(image), identity_id=identity_id, threshold=threshold
    )
    return Call("Verify", request, values.read_verify)


@_sendable
def verify_images(
    image: EncodedImage, reference: EncodedImage, *, gallery_id: str | None, threshold: float | None
) -> Call[Verification]:
    """Ask whether two pictures show one person."""
    request = pb.VerifyRequest(
        gallery_id="" if gallery_id is None else checked_gallery_id(gallery_id),
        image=values.image_message(image),
        reference_image=values.image_message(reference),
        threshold=threshold,
    )
    return Call("Verify", request, values.read_verify)


@_sendable
def embed(image: EncodedImage) -> Call[tuple[Embedded, ...]]:
    """Ask for embeddings."""
    return Call("Embed", pb.EmbedRequest(image=values.image_message(image)), values.read_embed)


@_sendable
def get_identity(gallery_id: str, identity_id: str) -> Call[Identity]:
    """Ask about one identity."""
    request = pb.GetIdentityRequest(gallery_id=gallery_id, identity_id=identity_id)
    return Call("GetIdentity", request, values.read_identity)


@_sendable
def list_identities(
    gallery_id: str, *, page_size: int, page_token: str, where: TemplateFilter
) -> Call[Page[IdentitySummary]]:
    """Ask for a page of identities."""
    request = pb.ListIdentitiesRequest(
        gallery_id=gallery_id,
        page_size=_stated("page size", page_size),
        page_token=page_token,
        filter=values.filter_message(where),
    )
    return Call(
        "ListIdentities",
        request,
        lambda response: Page(tuple(map(values.read_summary, response.identities)), response.next_page_token),
    )


@_sendable
def delete_identity(gallery_id: str, identity_id: str) -> Call[ErasureReceipt]:
    """Ask for the erasure of an identity."""
    request = pb.DeleteIdentityRequest(gallery_id=gallery_id, identity_id=identity_id)
    return Call("DeleteIdentity", request, lambda response: erasure.read_receipt(response.receipt))


@_sendable
def delete_template(gallery_id: str, template_id: UUID) -> Call[ErasureReceipt]:
    """Ask for the erasure of one template."""
    request = pb.DeleteTemplateRequest(gallery_id=gallery_id, template_id=str(template_id))
    return Call("DeleteTemplate", request, lambda response: erasure.read_receipt(response.receipt))


@_sendable
def calibrate(
    gallery_id: str, *, target_fpir: float, cohort: Cohort | None, where: TemplateFilter, dry_run: bool
) -> Call[CalibrationReport]:
    """Ask for a calibration."""
    request = pb.CalibrateRequest(
        gallery_id=gallery_id,
        target_fpir=target_fpir,
        strangers=[] if cohort is None else upkeep.cohort_messages(cohort),
        strangers_model_digest="" if cohort is None else cohort.model_digest,
        filter=values.filter_message(where),
        dry_run=dry_run,
    )
    return Call("Calibrate", request, upkeep.read_calibrate)


@_sendable
def diagnose(gallery_id: str) -> Call[tuple[Finding, ...]]:
    """Ask for an examination of a gallery."""
    request = pb.DiagnoseRequest(gallery_id=gallery_id)
    return Call("Diagnose", request, lambda response: tuple(map(upkeep.read_finding, response.findings)))


@_sendable
def merge_identities(gallery_id: str, identity_id: str, merged_identity_id: str) -> Call[Change]:
    """Ask for a merge."""
    request = pb.MergeIdentitiesRequest(
        gallery_id=gallery_id, identity_id=identity_id, merged_identity_id=merged_identity_id
    )
    return Call("MergeIdentities", request, lambda response: upkeep.read_change(response.change))


@_sendable
def split_identity(
    gallery_id: str, identity_id: str, template_ids: Sequence[UUID], new_identity_id: str
) -> Call[Change]:
    """Ask for a split."""
    request = pb.SplitIdentityRequest(
        gallery_id=gallery_id,
        identity_id=identity_id,
        template_ids=[str(template_id) for template_id in template_ids],
        new_identity_id=new_identity_id,
    )
    return Call("SplitIdentity", request, lambda response: upkeep.read_change(response.change))


@_sendable
def undo_change(gallery_id: str, change_id: UUID) -> Call[Change]:
    """Ask for a merge or split to be undone."""
    request = pb.UndoChangeRequest(gallery_id=gallery_id, change_id=str(change_id))
    return Call("UndoChange", request, lambda response: Change(change_id, int(response.moved_template_count)))


@_sendable
def export_page(gallery_id: str, *, after: UUID | None) -> Call[ExportPage]:
    """Ask for a page of an export."""
    request = pb.ExportGalleryRequest(gallery_id=gallery_id, after_template_id="" if after is None else str(after))
    return Call("ExportGallery", request, export.read_export)


def _policy(policy: Policy | None) -> pb.Policy | None:
    return None if policy is None else keeping.policy_message(policy)


def _stated(name: str, number: int) -> int:
    if number == 0:
        raise InvalidParameter(f"the {name} is 0", expected="at least 1")
    return number
