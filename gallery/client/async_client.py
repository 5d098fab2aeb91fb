"""The client for asyncio: one connection, used from the event loop that it was made in."""

import asyncio
import copy
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from uuid import UUID

import grpc

from gallery.client import calls, streams
from gallery.client.channel import checked_address, checked_timeout, options_of
from gallery.client.failures import failure_of
from gallery.client.pictures import ImageLike, drawn, encoded_off_the_loop
from gallery.client.security import KeyedStub, Tls, checked_key
from gallery.domain import (
    DEFAULT_TARGET_FPIR,
    EVERYTHING,
    BulkItem,
    BulkResult,
    CalibrationReport,
    Change,
    Cohort,
    Embedded,
    EnrolmentResult,
    ErasureReceipt,
    ExportPage,
    Finding,
    Gallery,
    Identification,
    Identity,
    IdentitySummary,
    Page,
    Pixels,
    Policy,
    StreamAnswer,
    StreamItem,
    TemplateFilter,
    Verification,
)
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceStub

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class AsyncGalleryClient:
    """A gallery server's methods as those of `gallery.use_cases.GalleryUseCases`, for asyncio.

    Every call has a deadline. Reads and enrolments are repeated, with backoff, while the server is unavailable or
    overloaded and the deadline allows. Beside the errors of the use cases every method raises ServerUnavailable,
    DeadlineExceeded and CallFailed.
    """

    def __init__(
        self,
        address: str = "127.0.0.1:50051",
        *,
        timeout: float = 10.0,
        api_key: str | None = None,
        tls: Tls | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        allow_plaintext_key: bool = False,
    ) -> None:
        """Connect to ``address`` (host:port) when first used.

        Args:
            address: of the server.
            timeout: the deadline of each call in seconds, all repeats together; `with_timeout` gives another.
            api_key: what `gallery keys create` showed; goes in the clear to this machine's own servers alone.
            tls: `Tls()` for a server whose certificate the system trusts; None for no TLS.
            credentials: gRPC's own, in place of ``tls``.
            allow_plaintext_key: send the key in the clear all the same.

        Raises:
            InvalidParameter: an address, a file or a key that cannot be used.

        """
        self._address = checked_address(address)
        self._timeout = checked_timeout(timeout)
        options = options_of(address)
        credentials = tls.credentials() if credentials is None and tls is not None else credentials
        in_the_clear = credentials is None and not allow_plaintext_key
        key = checked_key(api_key, address, in_the_clear=in_the_clear)
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(address, options)
        else:
            self._channel = grpc.aio.secure_channel(address, credentials, options)
        self._stub: Any = KeyedStub(GalleryServiceStub(self._channel), key)

    def with_timeout(self, timeout: float) -> "AsyncGalleryClient":
        """Return this client, on the same connection, with another deadline in seconds."""
        other = copy.copy(self)
        other._timeout = checked_timeout(timeout)
        return other

    async def close(self) -> None:
        """Close the connection; calls in flight are cancelled."""
        await self._channel.close()

    async def __aenter__(self) -> "AsyncGalleryClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, call: calls.Call[Answer]) -> Answer:
        try:
            response = await getattr(self._stub, call.method)(call.request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise failure_of(error, self._address, self._timeout) from error
        return call.read(response)

    async def _converse(
        self, call: streams.StreamCall[Item, Answer], items: AsyncIterable[Item]
    ) -> AsyncGenerator[Answer, None]:
        try:
            async with aclosing(streams.conversed(self._stub, call, items)) as answers:
                async for answer in answers:
                    yield answer
        except grpc.RpcError as error:
            raise failure_of(error, self._address, self._timeout) from error

    async def create_gallery(
        self, gallery_id: str, *, threshold: float | None = None, policy: Policy | None = None
    ) -> Gallery:
        """Create an empty gallery for the server's model; raises InvalidIdentifier, GalleryAlreadyExists."""
        return await self._send(calls.create_gallery(gallery_id, threshold=threshold, policy=policy))

    async def get_gallery(self, gallery_id: str) -> Gallery:
        """Describe a gallery; raises GalleryNotFound."""
        return await self._send(calls.get_gallery(gallery_id))

    async def list_galleries(self, *, page_size: int = 100, page_token: str = "") -> Page[Gallery]:
        """List galleries by id."""
        return await self._send(calls.list_galleries(page_size=page_size, page_token=page_token))

    async def update_gallery(
        self,
        gallery_id: str,
        *,
        pinned_threshold: float | None = None,
        model_threshold: bool = False,
        policy: Policy | None = None,
    ) -> Gallery:
        """Pin the threshold by hand, go back to the model's, or replace the policy; raises GalleryChanged."""
        call = calls.update_gallery(
            gallery_id, pinned_threshold=pinned_threshold, model_threshold=model_threshold, policy=policy
        )
        return await self._send(call)

    async def delete_gallery(self, gallery_id: str) -> ErasureReceipt:
        """Erase a gallery and all in it; the receipt says how many templates went with it."""
        return await self._send(calls.delete_gallery(gallery_id))

    async def enroll(
        self, gallery_id: str, identity_id: str, images: Sequence[ImageLike], *, all_or_nothing: bool = False
    ) -> EnrolmentResult:
        """Enrol images of one identity, each of one person, and return, when they are durable, what became of each.

        An image that cannot be enrolled is refused alone; when none is left, or one is refused with
        ``all_or_nothing``, the first error is raised and nothing is kept.
        """
        pictures = [await encoded_off_the_loop(image) for image in images]
        return await self._send(calls.enroll(gallery_id, identity_id, pictures, all_or_nothing=all_or_nothing))

    async def bulk_enroll(self, gallery_id: str, items: AsyncIterable[BulkItem]) -> AsyncGenerator[BulkResult, None]:
        """Enrol images of any identities, and say what became of each under its ``item_id`` when that is durable.

        ``items`` are taken as fast as the server takes them; results may overtake each other, and there is no deadline.
        An item that cannot be enrolled is refused alone: its result has the error, and with STORE_UNAVAILABLE or
        OVERLOADED it may simply be given again. So may all that have no result when the stream breaks
        (ServerUnavailable): enrolling an image again changes nothing. Close the stream
        with `contextlib.aclosing` to leave it early.
        """
        async with aclosing(self._converse(streams.bulk_enroll(gallery_id), items)) as results:
            async for result in results:
                yield result

    async def identify(
        self,
        gallery_id: str,
        image: ImageLike,
        *,
        max_candidates: int = 5,
        threshold: float | None = None,
        where: TemplateFilter = EVERYTHING,
    ) -> tuple[Identification, ...]:
        """Say of each region (or the whole picture) who the nearest identities are, and what became of the probe."""
        probe = await encoded_off_the_loop(image)
        call = calls.identify(gallery_id, probe, max_candidates=max_candidates, threshold=threshold, where=where)
        return await self._send(call)

    async def identify_stream(
        self,
        gallery_id: str,
        probes: AsyncIterable[StreamItem],
        *,
        max_candidates: int = 5,
        threshold: float | None = None,
        where: TemplateFilter = EVERYTHING,
    ) -> AsyncGenerator[StreamAnswer, None]:
        """Answer probes and ends of tracks, each under its ``item_id``, as soon as the answer is ready.

        ``probes`` are taken as fast as the server takes them, for as long as they come: a stream has no deadline and
        is not repeated. An item that cannot be answered fails alone: its answer has the error. Close the stream with
        `contextlib.aclosing` to leave it early.
        """
        call = streams.identify_stream(gallery_id, max_candidates=max_candidates, threshold=threshold, where=where)
        async with aclosing(self._converse(call, probes)) as answers:
            async for answer in answers:
                yield answer

    async def annotate(
        self, gallery_id: str, image: ImageLike, *, threshold: float | None = None, output: Path | None = None
    ) -> Pixels:
        """Identify the people of a picture and draw the answers on it: uint8 RGB [height, width, 3].

        ``output`` names a file to write the drawn picture to, its format by its suffix.
        """
        picture = await encoded_off_the_loop(image)
        people = await self.identify(gallery_id, picture, threshold=threshold)
        return await asyncio.to_thread(drawn, picture, people, output)

    async def verify_identity(
        self, gallery_id: str, image: ImageLike, identity_id: str, *, threshold: float | None = None
    ) -> Verification:
        """Say whether the probe is this identity: its nearest template decides; raises IdentityNotFound."""
        probe = await encoded_off_the_loop(image)
        return await self._send(calls.verify_identity(gallery_id, probe, identity_id, threshold=threshold))

    async def verify_images(
        self,
        image: ImageLike,
        reference: ImageLike,
        *,
        gallery_id: str | None = None,
        threshold: float | None = None,
    ) -> Verification:
        """Say whether two images show the same person; a gallery, when named, lends its threshold."""
        probe, other = await encoded_off_the_loop(image), await encoded_off_the_loop(reference)
        return await self._send(calls.verify_images(probe, other, gallery_id=gallery_id, threshold=threshold))

    async def embed(self, image: ImageLike) -> tuple[Embedded, ...]:
        """Embed each region (or the whole picture); nothing is stored."""
        return await self._send(calls.embed(await encoded_off_the_loop(image)))

    async def get_identity(self, gallery_id: str, identity_id: str) -> Identity:
        """Describe an identity and its templates, oldest first; raises IdentityNotFound."""
        return await self._send(calls.get_identity(gallery_id, identity_id))

    async def list_identities(
        self, gallery_id: str, *, page_size: int = 100, page_token: str = "", where: TemplateFilter = EVERYTHING
    ) -> Page[IdentitySummary]:
        """List the identities of a gallery by id, a page of them."""
        return await self._send(
            calls.list_identities(gallery_id, page_size=page_size, page_token=page_token, where=where)
        )

    async def iter_identities(self, gallery_id: str, *, page_size: int = 100) -> AsyncIterator[IdentitySummary]:
        """List all identities of a gallery by id, asking for the next page when it is needed."""
        token = ""
        while True:
            page = await self.list_identities(gallery_id, page_size=page_size, page_token=token)
            for summary in page.items:
                yield summary
            token = page.next_page_token
            if not token:
                return

    async def delete_identity(self, gallery_id: str, identity_id: str) -> ErasureReceipt:
        """Erase an identity, durably; the receipt says how many templates went; raises IdentityNotFound."""
        return await self._send(calls.delete_identity(gallery_id, identity_id))

    async def delete_template(self, gallery_id: str, template_id: UUID) -> ErasureReceipt:
        """Erase one template, durably; raises TemplateNotFound."""
        return await self._send(calls.delete_template(gallery_id, template_id))

    async def calibrate(
        self,
        gallery_id: str,
        *,
        target_fpir: float = DEFAULT_TARGET_FPIR,
        cohort: Cohort | None = None,
        where: TemplateFilter = EVERYTHING,
        dry_run: bool = False,
    ) -> CalibrationReport:
        """Set the threshold at which ``target_fpir`` of strangers are taken for somebody, and report its evidence.

        ``cohort`` is strangers of your own; None means those bundled with the model. Raises NotEnoughEvidence.
        """
        call = calls.calibrate(gallery_id, target_fpir=target_fpir, cohort=cohort, where=where, dry_run=dry_run)
        return await self._send(call)

    async def diagnose(self, gallery_id: str) -> tuple[Finding, ...]:
        """Look for likely duplicates, outlier templates, and identities no threshold can tell apart; nearest first."""
        return await self._send(calls.diagnose(gallery_id))

    async def merge_identities(self, gallery_id: str, identity_id: str, merged_identity_id: str) -> Change:
        """Give all templates of ``merged_identity_id`` to ``identity_id``; raises IdentityNotFound."""
        return await self._send(calls.merge_identities(gallery_id, identity_id, merged_identity_id))

    async def split_identity(
        self, gallery_id: str, identity_id: str, template_ids: Sequence[UUID], new_identity_id: str
    ) -> Change:
        """Give some templates of ``identity_id`` to ``new_identity_id``; raises TemplateNotFound."""
        return await self._send(calls.split_identity(gallery_id, identity_id, template_ids, new_identity_id))

    async def export_page(self, gallery_id: str, *, after: UUID | None = None) -> ExportPage:
        """Fetch the templates after one, by id, with embeddings; the page without templates is the last."""
        return await self._send(calls.export_page(gallery_id, after=after))

    async def undo_change(self, gallery_id: str, change_id: UUID) -> Change:
        """Give back what a merge or split moved; raises ChangeNotFound."""
        return await self._send(calls.undo_change(gallery_id, change_id))
