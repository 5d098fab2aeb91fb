"""`gallery list`, `erase` and `galleries …`: what is there, and how it goes away."""

import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gallery.cli.common import Common, on_a_gallery
from gallery.cli.context import Cameras, CapturedFrom, CapturedUntil, Labels, filter_of
from gallery.cli.gallery_tables import print_galleries, print_gallery
from gallery.cli.output import print_json, print_table
from gallery.cli.stores import compact
from gallery.cli.target import StoreTarget, ask

if TYPE_CHECKING:
    from gallery.cli.target import AnyGallery
    from gallery.domain import ErasureReceipt, Page, TemplateInfo

Item = TypeVar("Item")

LIST_EPILOG = """Examples:

gallery list — the people of the gallery 'default'

gallery list --identity anna — the templates of one

gallery list --camera door --label shift=early

gallery list --galleries"""

ERASE_EPILOG = """Examples:

gallery erase anna

gallery erase anna --template 6f1c8f0e-5d0b-5c39-9f0a-1d1c7a4c2b11 --yes

What is erased is gone when the command has ended, and does not come back."""

_PAGE = 1000

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

app = typer.Typer(help="Create, show and delete galleries.", no_args_is_help=True)


@on_a_gallery
def list_(
    common: Common,
    galleries: Annotated[bool, typer.Option("--galleries", help="List the galleries instead.")] = False,
    identity: Annotated[str | None, typer.Option(metavar="ID", help="List this person's templates instead.")] = None,
    camera: Cameras = None,
    captured_from: CapturedFrom = None,
    captured_until: CapturedUntil = None,
    label: Labels = None,
) -> None:
    """List the people of a gallery, one person's templates, or the galleries.

    A filter lists the people who have such templates, and counts those.
    """
    if galleries and identity is not None:
        raise typer.BadParameter("choose one of --galleries and --identity")
    filtered = any(option is not None for option in (camera, captured_from, captured_until, label))
    if filtered and (galleries or identity is not None):
        raise typer.BadParameter("a filter lists people; it goes with neither --galleries nor --identity")
    where = filter_of(camera, captured_from, captured_until, label)
    if galleries:
        found = ask(common.target, lambda gallery: _all(
            lambda token: gallery.list_galleries(page_size=_PAGE, page_token=token)))  # fmt: skip
        print_galleries(found, as_json=common.as_json)
    elif identity is not None:
        _list_templates(common, identity)
    else:
        people = ask(common.target, lambda gallery: _all(
            lambda token: gallery.list_identities(
                common.gallery_id, page_size=_PAGE, page_token=token, where=where)))  # fmt: skip
        if common.as_json:
            print_json({"gallery_id": common.gallery_id, "identities": people})
        else:
            rows = [(person.identity_id, str(person.template_count)) for person in people]
            print_table(("identity", "#templates"), rows, title=f"{len(people)} people in '{common.gallery_id}'")


@on_a_gallery
def erase(
    common: Common,
    identity: Annotated[str, typer.Argument(metavar="ID", help="The person to erase.")],
    template: Annotated[
        uuid.UUID | None, typer.Option(metavar="UUID", help="Erase only this template of the person.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Erase a person, or one template of a person, for good."""
    what = f"'{identity}'" if template is None else f"the template {template} of '{identity}'"
    if not yes:
        typer.confirm(f"Erase {what} from the gallery '{common.gallery_id}' on {common.target}?", abort=True, err=True)

    async def erase_it(gallery: "AnyGallery") -> "ErasureReceipt":
        if template is None:
            return await gallery.delete_identity(common.gallery_id, identity)
        templates = (await gallery.get_identity(common.gallery_id, identity)).templates
        if template not in [info.template_id for info in templates]:
            raise typer.BadParameter(f"'{identity}' has no template {template}", param_hint="--template")
        return await gallery.delete_template(common.gallery_id, template)

    receipt = ask(common.target, erase_it)
    if isinstance(common.target, StoreTarget):  # no server's caretaker will come and do it
        compact(common.target.folder, common.gallery_id)
    if common.as_json:
        print_json({"gallery_id": common.gallery_id, "identity_id": identity} | _receipt_json(receipt))
    else:
        typer.echo(f"erased {what}: {receipt.template_count} templates, receipt {receipt.receipt_id}")


@app.command()
@on_a_gallery
def create(
    common: Common,
    threshold: Annotated[
        float | None, typer.Option(metavar="DISTANCE", help="The gallery's own threshold, 0 to 2; else the model's.")
    ] = None,
) -> None:
    """Create an empty gallery, named by --gallery, bound to the model."""
    created = ask(
        common.target, lambda gallery: gallery.create_gallery(common.gallery_id, threshold=threshold), create=True
    )
    print_galleries([created], as_json=common.as_json)


@app.command()
@on_a_gallery
def show(common: Common) -> None:
    """Show the gallery named by --gallery: its thresholds, all versions, and its policy."""
    found = ask(common.target, lambda gallery: gallery.get_gallery(common.gallery_id))
    print_gallery(found, as_json=common.as_json)


@app.command()
@on_a_gallery
def delete(common: Common, yes: Yes = False) -> None:
    """Delete the gallery named by --gallery with everybody in it."""
    if not yes:
        typer.confirm(
            f"Delete the gallery '{common.gallery_id}' and everybody in it from {common.target}?", abort=True, err=True
        )
    receipt = ask(common.target, lambda gallery: gallery.delete_gallery(common.gallery_id))
    if common.as_json:
        print_json({"gallery_id": common.gallery_id} | _receipt_json(receipt))
    else:
        said = f"{receipt.template_count} templates, receipt {receipt.receipt_id}"
        typer.echo(f"deleted the gallery '{common.gallery_id}': {said}")


def _receipt_json(receipt: "ErasureReceipt") -> dict[str, object]:
    return {
        "deleted_template_count": receipt.template_count,
        "receipt_id": receipt.receipt_id,
        "erased_at": receipt.erased_at,
    }


async def _all(page_at: "Callable[[str], Awaitable[Page[Item]]]") -> list[Item]:
    page = await page_at("")
    items = list(page.items)
    while page.next_page_token:
        page = await page_at(page.next_page_token)
        items += page.items
    return items


def _list_templates(common: Common, identity_id: str) -> None:
    identity = ask(common.target, lambda gallery: gallery.get_identity(common.gallery_id, identity_id))
    if common.as_json:
        templates = [_template_json(info) for info in identity.templates]
        print_json({"gallery_id": common.gallery_id, "identity_id": identity_id, "templates": templates})
        return
    rows = [
        (
            str(info.template_id),
            info.enrolled_at.isoformat(timespec="seconds"),
            "whole picture" if info.region is None else str(info.region),
            _context_line(info),
            "never" if info.expires_at is None else info.expires_at.isoformat(timespec="seconds"),
            info.image_digest[:12],
        )
        for info in identity.templates
    ]
    headings = ("template", "enrolled", "region", "taken", "expires", "image digest")
    print_table(headings, rows, title=f"templates of '{identity_id}'")


def _context_line(info: "TemplateInfo") -> str:
    context = info.context
    parts = ["" if context.camera_id is None else context.camera_id]
    parts += ["" if context.captured_at is None else context.captured_at.isoformat(timespec="seconds")]
    parts += [f"{name}={value}" for name, value in context.labels]
    return " ".join(part for part in parts if part)


def _template_json(info: "TemplateInfo") -> dict[str, object]:
    """Name what is told of a template; whose it was before a merge or split stays in the store."""
    named = ("template_id", "identity_id", "model_digest", "image_digest", "enrolled_at", "region", "expires_at")
    context = info.context
    return {name: getattr(info, name) for name in named} | {
        "context": {
            "camera_id": context.camera_id,
            "captured_at": context.captured_at,
            "labels": dict(context.labels),
        }
    }
