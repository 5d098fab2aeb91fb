"""`gallery identify`, `verify` and `annotate`: who is this, is it this person, and draw it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery.cli.answers import (
    basis_line,
    outcome_of,
    person_json,
    print_people,
    reasons_line,
    verdict,
    verification_json,
)
from gallery.cli.common import Common, on_a_gallery
from gallery.cli.context import Cameras, CapturedFrom, CapturedUntil, Labels, filter_of
from gallery.cli.exits import Exit
from gallery.cli.output import print_json, print_table, say
from gallery.cli.pictures import read_picture
from gallery.cli.target import ask

if TYPE_CHECKING:
    from gallery.domain import Identification

_CODES = "Exit code 0: TRUE; 1: FALSE; see gallery --help for the others."

IDENTIFY_EPILOG = f"""Examples:

gallery identify probe.jpg

gallery identify frame.jpg --region 410,80,120,310 --region 30,95,110,300 --top 3

gallery identify probe.jpg --camera door --captured-from 2026-05-01T08:00

gallery identify probe.jpg --json --server localhost:50051

{_CODES} With several regions TRUE means that every person was matched."""

VERIFY_EPILOG = f"""Examples:

gallery verify probe.jpg --identity anna

gallery verify one.jpg other.jpg

{_CODES}"""

ANNOTATE_EPILOG = f"""Examples:

gallery annotate frame.jpg -o seen.jpg --region 410,80,120,310

{_CODES} With several regions TRUE means that every person was matched."""

Picture = Annotated[Path, typer.Argument(metavar="IMAGE", help="A JPEG, PNG, WebP or BMP file.")]
Regions = Annotated[
    list[str],
    typer.Option(
        "--region",
        metavar="X,Y,W,H",
        default_factory=list,
        show_default=False,
        help="A person as a pixel box in the upright picture; may be repeated. None: one person fills the picture.",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(metavar="DISTANCE", help="Largest distance that is a match, 0 to 2; else the gallery's or model's."),
]


@on_a_gallery
def identify(
    common: Common,
    image: Picture,
    region: Regions,
    top: Annotated[int, typer.Option(metavar="N", help="How many candidates at most.")] = 5,
    threshold: Threshold = None,
    camera: Cameras = None,
    captured_from: CapturedFrom = None,
    captured_until: CapturedUntil = None,
    label: Labels = None,
) -> None:
    """Say who the people of an image are: nearest identities, distances, TRUE or FALSE, and the outcome.

    MATCH is TRUE. FALSE are NO_MATCH (nobody within the threshold), AMBIGUOUS (two identities too near each other to
    say which) and REJECTED (the picture cannot be judged).
    """
    picture = read_picture(image, region)
    where = filter_of(camera, captured_from, captured_until, label)
    people = ask(
        common.target,
        lambda gallery: gallery.identify(
            common.gallery_id, picture, max_candidates=max(top, 2) if top > 0 else top, threshold=threshold, where=where
        ),
    )
    if common.as_json:
        print_json({"gallery_id": common.gallery_id, "people": [person_json(person, top) for person in people]})
    else:
        print_people(people, top)
    raise typer.Exit(_exit_code(people))


@on_a_gallery
def verify(
    common: Common,
    image: Picture,
    reference: Annotated[
        Path | None, typer.Argument(metavar="[IMAGE]", help="An image of the person it may be.", show_default=False)
    ] = None,
    identity: Annotated[str | None, typer.Option(metavar="ID", help="The enrolled person it may be.")] = None,
    threshold: Threshold = None,
) -> None:
    """Say whether an image shows an enrolled person, or the same person as another image.

    Two images need no gallery; when --gallery names one, its threshold decides.
    """
    if (reference is None) == (identity is None):
        raise typer.BadParameter("name either a second IMAGE or --identity ID")
    probe = read_picture(image)
    if identity is not None:
        answer = ask(
            common.target,
            lambda gallery: gallery.verify_identity(common.gallery_id, probe, str(identity), threshold=threshold),
        )
    else:
        other = read_picture(Path(str(reference)))
        answer = ask(
            common.target,
            lambda gallery: gallery.verify_images(probe, other, gallery_id=common.named_gallery, threshold=threshold),
        )
    if common.as_json:
        print_json(verification_json(answer))
    else:
        what = reference if identity is None else identity
        row = (
            str(image),
            str(what),
            f"{answer.distance:.3f}",
            verdict(answer.matched),
            outcome_of(answer),
            reasons_line(answer.quality) or "—",
        )
        print_table(("probe", "reference", "#distance", "match", "outcome", "quality"), [row])
        say(basis_line(answer.basis))
    raise typer.Exit(Exit.DONE if answer.matched else Exit.NO_MATCH)


@on_a_gallery
def annotate(
    common: Common,
    image: Picture,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write the drawn picture (.jpg, .png, …).")
    ],
    region: Regions,
    threshold: Threshold = None,
) -> None:
    """Identify the people of an image and draw box, identity, distance and outcome on it."""
    from gallery.client.pictures import drawn

    picture = read_picture(image, region)
    people = ask(common.target, lambda gallery: gallery.identify(common.gallery_id, picture, threshold=threshold))
    drawn(picture, people, output)
    if common.as_json:
        described = [person_json(person, len(person.candidates)) for person in people]
        print_json({"gallery_id": common.gallery_id, "output": output, "people": described})
    else:
        print_people(people, 3)
        say(f"drawn into {output}")
    raise typer.Exit(_exit_code(people))


def _exit_code(people: "tuple[Identification, ...]") -> Exit:
    return Exit.DONE if all(person.matched for person in people) else Exit.NO_MATCH
