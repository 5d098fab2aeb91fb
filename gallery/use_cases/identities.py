"""Identities and templates: get, list, erase."""

from uuid import UUID

from gallery import ledger
from gallery.domain import (
    EVERYTHING,
    ErasureReceipt,
    Identity,
    IdentitySummary,
    Page,
    TemplateFilter,
    checked_gallery_id,
    checked_identity_id,
)
from gallery.errors import TemplateNotFound
from gallery.use_cases.base import no_identity
from gallery.use_cases.erasing import Erasing
from gallery.use_cases.paging import checked_page_size, last_shown, token_of


class Identities(Erasing):
    """Who is in a gallery."""

    async def get_identity(self, gallery_id: str, identity_id: str) -> Identity:
        """Describe an identity and its templates, oldest first; raises IdentityNotFound."""
        checked_identity_id(identity_id)
        templates = await self._store.list_templates(checked_gallery_id(gallery_id), identity_id)
        if not templates:
            raise no_identity(gallery_id, identity_id)
        return Identity(identity_id, tuple(templates))

    async def list_identities(
        self, gallery_id: str, *, page_size: int = 100, page_token: str = "", where: TemplateFilter = EVERYTHING
    ) -> Page[IdentitySummary]:
        """List by id the identities that have templates which fit ``where``, and count these."""
        listing = f"identities of {gallery_id}"
        limit, after = checked_page_size(page_size), last_shown(listing, page_token)
        found = await self._store.list_identities(checked_gallery_id(gallery_id), after=after, limit=limit, where=where)
        return Page(tuple(found), token_of(listing, found[-1].identity_id) if len(found) == limit else "")

    async def delete_identity(self, gallery_id: str, identity_id: str) -> ErasureReceipt:
        """Erase an identity, durably and from restored backups, too; raises IdentityNotFound."""
        checked_identity_id(identity_id)
        templates = await self._store.list_templates(checked_gallery_id(gallery_id), identity_id)
        if not templates:
            raise no_identity(gallery_id, identity_id)
        ids, now = [info.template_id for info in templates], self._clock()
        return await self._erased(
            gallery_id,
            lambda key: ledger.erasure_of_identity(gallery_id, key, now, identity_id, ids),
            lambda: self._store.delete_identity(gallery_id, identity_id),
        )

    async def delete_template(self, gallery_id: str, template_id: UUID) -> ErasureReceipt:
        """Erase one template, durably and from restored backups, too; raises TemplateNotFound."""
        if not await self._store.find(checked_gallery_id(gallery_id), [template_id]):
            raise TemplateNotFound(
                f"gallery {gallery_id!r} has no template {template_id}",
                remedy="GetIdentity lists an identity's templates",
                gallery_id=gallery_id,
                template_id=str(template_id),
            )
        now = self._clock()

        async def erase() -> int:
            return int(await self._store.delete_template(gallery_id, template_id))

        return await self._erased(
            gallery_id, lambda key: ledger.erasure_of_templates(gallery_id, key, now, [template_id]), erase
        )
