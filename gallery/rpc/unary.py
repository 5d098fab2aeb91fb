"""The calls of one question and one answer."""

from gallery.domain import DEFAULT_TARGET_FPIR
from gallery.errors import InvalidParameter, InvalidRequest
from gallery.rpc.base import Calls
from gallery.rpc.refusals import Context, refusals
from gallery.use_cases import DEFAULT_MAX_CANDIDATES
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire import enrolment, erasure, export, keeping, upkeep, values

_DEFAULT_PAGE_SIZE = 100


class UnaryCalls(Calls):
    """Every call but the streams."""

    async def CreateGallery(self, request: pb.CreateGalleryRequest, context: Context) -> pb.CreateGalleryResponse:
        async with refusals(context):
            gallery = await self._gallery.create_gallery(
                request.gallery_id,
                threshold=request.threshold if request.HasField("threshold") else None,
                policy=keeping.read_policy(request.policy) if request.HasField("policy") else None,
            )
            return pb.CreateGalleryResponse(gallery=keeping.gallery_message(gallery))

    async def GetGallery(self, request: pb.GetGalleryRequest, context: Context) -> pb.GetGalleryResponse:
        async with refusals(context):
            gallery = await self._gallery.get_gallery(request.gallery_id)
            return pb.GetGalleryResponse(gallery=keeping.gallery_message(gallery))

    async def ListGalleries(self, request: pb.ListGalleriesRequest, context: Context) -> pb.ListGalleriesResponse:
        async with refusals(context):
            page_size = values.read_or(request.page_size, _DEFAULT_PAGE_SIZE)
            page = await self._gallery.list_galleries(page_size=page_size, page_token=request.page_token)
            return pb.ListGalleriesResponse(
                galleries=map(keeping.gallery_message, page.items), next_page_token=page.next_page_token
            )

    async def UpdateGallery(self, request: pb.UpdateGalleryRequest, context: Context) -> pb.UpdateGalleryResponse:
        async with refusals(context):
            change = request.WhichOneof("threshold_change")
            if change == "model_threshold" and not request.model_threshold:
                raise InvalidParameter("model_threshold is false", expected="true, or neither of the two thresholds")
            gallery = await self._gallery.update_gallery(
                request.gallery_id,
                pinned_threshold=request.pinned_threshold if change == "pinned_threshold" else None,
                model_threshold=request.model_threshold,
                policy=keeping.read_policy(request.policy) if request.HasField("policy") else None,
            )
            return pb.UpdateGalleryResponse(gallery=keeping.gallery_message(gallery))

    async def DeleteGallery(self, request: pb.DeleteGalleryRequest, context: Context) -> pb.DeleteGalleryResponse:
        async with refusals(context):
            receipt = await self._gallery.delete_gallery(request.gallery_id)
            return pb.DeleteGalleryResponse(
                deleted_template_count=receipt.template_count, receipt=erasure.receipt_message(receipt)
            )

    async def Enroll(self, request: pb.EnrollRequest, context: Context) -> pb.EnrollResponse:
        async with refusals(context):
            pictures = [values.read_image(image) for image in request.images]
            results = await self._gallery.enroll(
                request.gallery_id, request.identity_id, pictures, all_or_nothing=request.all_or_nothing
            )
            return enrolment.enroll_message(results)

    async def Identify(self, request: pb.IdentifyRequest, context: Context) -> pb.IdentifyResponse:
        async with refusals(context):
            identifications = await self._gallery.identify(
                request.gallery_id,
                values.read_image(request.image),
                max_candidates=values.read_or(request.max_candidates, DEFAULT_MAX_CANDIDATES),
                threshold=request.threshold if request.HasField("threshold") else None,
                where=values.read_filter(request.filter),
            )
            return values.identify_message(identifications)

    async def Verify(self, request: pb.VerifyRequest, context: Context) -> pb.VerifyResponse:
        async with refusals(context):
            probe = values.read_image(request.image)
            threshold = request.threshold if request.HasField("threshold") else None
            match request.WhichOneof("reference"):
                case "identity_id":
                    verification = await self._gallery.verify_identity(
                        request.gallery_id, probe, request.identity_id, threshold=threshold
                    )
                case "reference_image":
                    reference = values.read_image(request.reference_image)
                    gallery_id = request.gallery_id if request.gallery_id else None
                    verification = await self._gallery.verify_images(
                        probe, reference, gallery_id=gallery_id, threshold=threshold
                    )
                case _:
                    raise InvalidRequest("the request has no reference", expected="identity_id or reference_image")
            return values.verify_message(verification)

    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:
        async with refusals(context):
            return values.embed_message(await self._gallery.embed(values.read_image(request.image)))

    async def GetIdentity(self, request: pb.GetIdentityRequest, context: Context) -> pb.GetIdentityResponse:
        async with refusals(context):
            identity = await self._gallery.get_identity(request.gallery_id, request.identity_id)
            return values.identity_message(identity)

    async def ListIdentities(self, request: pb.ListIdentitiesRequest, context: Context) -> pb.ListIdentitiesResponse:
        async with refusals(context):
            page_size = values.read_or(request.page_size, _DEFAULT_PAGE_SIZE)
            page = await self._gallery.list_identities(
                request.gallery_id,
                page_size=page_size,
                page_token=request.page_token,
                where=values.read_filter(request.filter),
            )
            return pb.ListIdentitiesResponse(
                identities=map(values.summary_message, page.items), next_page_token=page.next_page_token
            )

    async def DeleteIdentity(self, request: pb.DeleteIdentityRequest, context: Context) -> pb.DeleteIdentityResponse:
        async with refusals(context):
            receipt = await self._gallery.delete_identity(request.gallery_id, request.identity_id)
            return pb.DeleteIdentityResponse(
                deleted_template_count=receipt.template_count, receipt=erasure.receipt_message(receipt)
            )

    async def DeleteTemplate(self, request: pb.DeleteTemplateRequest, context: Context) -> pb.DeleteTemplateResponse:
        async with refusals(context):
            template_id = values.read_template_id(request.template_id)
            receipt = await self._gallery.delete_template(request.gallery_id, template_id)
            return pb.DeleteTemplateResponse(receipt=erasure.receipt_message(receipt))

    async def ExportGallery(self, request: pb.ExportGalleryRequest, context: Context) -> pb.ExportGalleryResponse:
        async with refusals(context):
            after = export.read_after(request.after_template_id)
            return export.export_message(await self._gallery.export_page(request.gallery_id, after=after))

    async def Calibrate(self, request: pb.CalibrateRequest, context: Context) -> pb.CalibrateResponse:
        async with refusals(context):
            report = await self._gallery.calibrate(
                request.gallery_id,
                target_fpir=request.target_fpir if request.HasField("target_fpir") else DEFAULT_TARGET_FPIR,
                cohort=upkeep.read_cohort(request),
                where=values.read_filter(request.filter),
                dry_run=request.dry_run,
            )
            return upkeep.calibrate_message(report)

    async def Diagnose(self, request: pb.DiagnoseRequest, context: Context) -> pb.DiagnoseResponse:
        async with refusals(context):
            findings = await self._gallery.diagnose(request.gallery_id)
            return pb.DiagnoseResponse(findings=map(upkeep.finding_message, findings))

    async def MergeIdentities(self, request: pb.MergeIdentitiesRequest, context: Context) -> pb.MergeIdentitiesResponse:
        async with refusals(context):
            change = await self._gallery.merge_identities(
                request.gallery_id, request.identity_id, request.merged_identity_id
            )
            return pb.MergeIdentitiesResponse(change=upkeep.change_message(change))

    async def SplitIdentity(self, request: pb.SplitIdentityRequest, context: Context) -> pb.SplitIdentityResponse:
        async with refusals(context):
            template_ids = [values.read_template_id(text) for text in request.template_ids]
            change = await self._gallery.split_identity(
                request.gallery_id, request.identity_id, template_ids, request.new_identity_id
            )
            return pb.SplitIdentityResponse(change=upkeep.change_message(change))

    async def UndoChange(self, request: pb.UndoChangeRequest, context: Context) -> pb.UndoChangeResponse:
        async with refusals(context):
            change = await self._gallery.undo_change(request.gallery_id, upkeep.read_change_id(request.change_id))
            return pb.UndoChangeResponse(moved_template_count=change.moved)
