"""Identities and templates: get, list, erase."""

from uuid import UUID

from gallery.domain import (
    EVERYTHING,
    Identity,
    IdentitySummary,
    Page,
    TemplateFilter,
    checked_gallery_id,
    checked_identity_id,
)
from gallery.errors import TemplateNotFound
from gallery.use_cases.base import UseCases, no_identity
from gallery.use_cases.paging import checked_page_size, last_shown, token_of


class Identities(UseCases):
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
        """List by id the identities that have such a template, counting those."""
        listing = f"identities of {gallery_id}"
        limit, after = checked_page_size(page_size), last_shown(listing, page_token)
        found = await self._store.list_identities(checked_gallery_id(gallery_id), after=after, limit=limit, where=where)
        return Page(tuple(found), token_of(listing, found[-1].identity_id) if len(found) == limit else "")

    async def delete_identity(self, gallery_id: str, identity_id: str) -> int:
        """Erase an identity, durably; returns how many templates went; raises IdentityNotFound."""
        checked_identity_id(identity_id)
        deleted = await self._store.delete_identity(checked_gallery_id(gallery_id), identity_id)
        if deleted == 0:
            raise no_identity(gallery_id, identity_id)
        return deleted

    async def delete_template(self, gallery_id: str, template_id: UUID) -> None:
        """Erase one template, durably; raises TemplateNotFound."""
        if not await self._store.delete_template(checked_gallery_id(gallery_id), template_id):
            raise TemplateNotFound(
                f"gallery {gallery_id!r} has no template {template_id}",
                remedy="GetIdentity lists an identity's templates",
                gallery_id=gallery_id,
                template_id=str(template_id),
            )
