"""Changes of whose a template is: merge two identities, split one, and undo either."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from gallery import ledger
from gallery.domain import (
    Change,
    Move,
    Template,
    TemplateFilter,
    checked_gallery_id,
    checked_identity_id,
    template_id_of,
)
from gallery.errors import ChangeNotFound, InvalidRequest, TemplateNotFound
from gallery.use_cases.base import no_identity
from gallery.use_cases.erasing import Erasing


class Changes(Erasing):
    """Templates change hands. Each remembers the change and whose it was, so that a change can be undone.

    A change that was cut short is finished by asking for it again.
    """

    async def merge_identities(self, gallery_id: str, identity_id: str, merged_identity_id: str) -> Change:
        """Give all templates of ``merged_identity_id`` to ``identity_id``; raises InvalidRequest, IdentityNotFound."""
        checked_identity_id(identity_id)
        checked_identity_id(merged_identity_id)
        if identity_id == merged_identity_id:
            raise InvalidRequest(f"{identity_id!r} cannot be merged with itself", expected="two identities")
        checked_gallery_id(gallery_id)
        if not await self._store.list_templates(gallery_id, identity_id):
            raise no_identity(gallery_id, identity_id)
        templates = await self._templates_of(gallery_id, merged_identity_id)
        return await self._give(gallery_id, templates, identity_id)

    async def split_identity(
        self, gallery_id: str, identity_id: str, template_ids: Sequence[UUID], new_identity_id: str
    ) -> Change:
        """Give some templates of ``identity_id`` to ``new_identity_id``, new or existing.

        Raises InvalidRequest, IdentityNotFound and, when one is not the identity's, TemplateNotFound.
        """
        checked_identity_id(identity_id)
        checked_identity_id(new_identity_id)
        if identity_id == new_identity_id or not template_ids:
            raise InvalidRequest(
                f"nothing would leave {identity_id!r}", expected="at least one template, and another identity for it"
            )
        own = {
            template.info.template_id: template
            for template in await self._templates_of(checked_gallery_id(gallery_id), identity_id)
        }
        missing = [template_id for template_id in template_ids if template_id not in own]
        if missing:
            raise TemplateNotFound(
                f"{identity_id!r} has no template {missing[0]}",
                remedy="GetIdentity lists an identity's templates",
                gallery_id=gallery_id,
                template_id=str(missing[0]),
            )
        return await self._give(gallery_id, [own[template_id] for template_id in template_ids], new_identity_id)

    async def undo_change(self, gallery_id: str, change_id: UUID) -> Change:
        """Give back what a merge or split moved, as far as it is still where that put it; raises ChangeNotFound."""
        checked_gallery_id(gallery_id)
        moved = [template async for template in self._scan(gallery_id, TemplateFilter(change_id=change_id))]
        if not moved:
            raise ChangeNotFound(
                f"no template of gallery {gallery_id!r} was moved by the change {change_id}",
                expected="the change_id that a merge or split answered",
                gallery_id=gallery_id,
                change_id=str(change_id),
            )
        returned = [
            _given(template, template.info.move.from_identity_id, None)
            for template in moved
            if template.info.move is not None
        ]
        await self._move(gallery_id, moved, returned)
        return Change(change_id, len(returned))

    async def _templates_of(self, gallery_id: str, identity_id: str) -> list[Template]:
        where = TemplateFilter(identity_ids=(identity_id,))
        templates = [template async for template in self._scan(gallery_id, where)]
        if not templates:
            raise no_identity(gallery_id, identity_id)
        return templates

    async def _give(self, gallery_id: str, templates: Sequence[Template], identity_id: str) -> Change:
        change_id = uuid.uuid4()
        given = [_given(template, identity_id, Move(change_id, template.info.identity_id)) for template in templates]
        await self._move(gallery_id, templates, given)
        return Change(change_id, len(given))

    async def _move(self, gallery_id: str, before: Sequence[Template], after: Sequence[Template]) -> None:
        """Have templates named anew; the ledger has it first, so that their erasure reaches older backups, too."""
        old, new = ([template.info.template_id for template in each] for each in (before, after))
        now, pairs = self._clock(), list(zip(old, new, strict=True))
        await self._noted(gallery_id, lambda key: ledger.move_of_templates(gallery_id, key, now, pairs))
        await self._store.move(gallery_id, after, old)


def _given(template: Template, identity_id: str, move: Move | None) -> Template:
    """Return the template as another identity's: it is named anew, for its id says whose it is."""
    info = template.info
    template_id = template_id_of(identity_id, info.image_digest, info.region)
    return Template(replace(info, template_id=template_id, identity_id=identity_id, move=move), template.embedding)
