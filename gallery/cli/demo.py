"""`gallery demo`: the whole service on people who do not exist, through the network, in a few seconds."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from gallery.cli.answers import candidates_line, outcome_of, verdict
from gallery.cli.output import print_table, progress

if TYPE_CHECKING:
    from gallery.client import GalleryClient
    from gallery.domain import Identification

EPILOG = """It needs no network and leaves nothing behind but two pictures: demo-scene.png, people found in one frame,
and demo-sheet.png, every probe beside the person it was taken for."""

GALLERY = "demo"
KNOWN = range(110, 122)  # a cast that the bundled model tells apart at its own threshold
STRANGERS = range(122, 128)
ENROLLED_VIEWS = range(2)
PROBE_VIEW = 10
SCENE = (110, 122, 113, 117)
SCENE_VIEW = 4


@dataclass(frozen=True, slots=True)
class Answered:
    """Whom a probe shows, and what the gallery answered."""

    person: int
    answer: "Identification"

    @property
    def right(self) -> bool:
        """Whether a known person was recognised as themselves, or a stranger as nobody."""
        return self.answer.identity_id == (_name(self.person) if self.person in KNOWN else None)


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where to write the two pictures.")
    ] = Path(),
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", envvar="GALLERY_MODEL", show_default="the bundled one")
    ] = None,
) -> None:
    """See it work: draws people, starts a server, enrols them, kills and restarts it, and identifies probes."""
    from gallery.cli.demo_server import kill, started
    from gallery.client import GalleryClient

    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="gallery-demo-") as name:
        folder = Path(name)
        console.print(f"[bold]1.[/] Drawing {len(KNOWN)} people to know and {len(STRANGERS)} strangers.")
        portraits = _draw(folder)
        console.print("[bold]2.[/] Starting a server with an empty store, and enrolling over gRPC.")
        with started(folder / "store", model) as server, GalleryClient(server.address, timeout=60) as client:
            _enrol(client, portraits)
            kill(server)
        console.print("   Killed the server (SIGKILL) right after the last answer, and starting it again.")
        with started(folder / "store", model) as server, GalleryClient(server.address, timeout=60) as client:
            kept = sum(identity.template_count for identity in client.iter_identities(GALLERY))
            console.print(f"   {kept} of {len(portraits)} templates are there.\n")
            console.print("[bold]3.[/] Asking who is on pictures it has not seen, of known people and of strangers.\n")
            probes = _identify(client)
            scene = _scene(client, output / "demo-scene.png")
    _write_sheet(output / "demo-sheet.png", probes)
    _print(console, probes, scene, output)
    if kept != len(portraits):
        raise typer.Exit(1)


def _draw(folder: Path) -> list[tuple[str, Path]]:
    from gallery.drawn_people import write_folder

    paths = write_folder(folder / "people", KNOWN, ENROLLED_VIEWS)
    return [(path.parent.name, path) for path in paths]


def _enrol(client: "GalleryClient", portraits: Sequence[tuple[str, Path]]) -> None:
    client.create_gallery(GALLERY)
    with progress() as bar:
        for identity_id, path in bar.track(portraits, description="   enrolling"):
            client.enroll(GALLERY, identity_id, [path])


def _identify(client: "GalleryClient") -> list[Answered]:
    from gallery.client import image
    from gallery.drawn_people import draw_person

    answered = []
    for person in (*KNOWN, *STRANGERS):
        picture = image(draw_person(person, PROBE_VIEW), array_order="RGB")
        (answer,) = client.identify(GALLERY, picture, max_candidates=2)
        answered.append(Answered(person, answer))
    return answered


def _scene(client: "GalleryClient", path: Path) -> list[Answered]:
    """Ask about a frame with several people in it, draw the answers into ``path``."""
    from gallery.client import image
    from gallery.client.pictures import drawn
    from gallery.drawn_people import draw_scene

    frame, regions = draw_scene(SCENE, SCENE_VIEW, height=540, width=1080)
    picture = image(frame, regions, array_order="RGB")
    people = client.identify(GALLERY, picture, max_candidates=2)
    drawn(picture, people, path)
    return [Answered(person, answer) for person, answer in zip(SCENE, people, strict=True)]


def _write_sheet(path: Path, probes: Sequence[Answered]) -> None:
    from gallery.cli.demo_sheet import write_sheet
    from gallery.drawn_people import draw_person

    rows = []
    for each in probes:
        nearest = int(each.answer.candidates[0].identity_id.rpartition("-")[2])
        rows.append((draw_person(each.person, PROBE_VIEW), each.answer, draw_person(nearest, 0), each.right))
    write_sheet(path, rows)


def _name(person: int) -> str:
    """Name an identity as `write_folder` names its folder."""
    return f"person-{person:03d}"


def _print(console: Console, probes: Sequence[Answered], scene: Sequence[Answered], output: Path) -> None:
    rows = [
        (
            _name(each.person) if each.person in KNOWN else "a stranger",
            candidates_line(each.answer, 2),
            verdict(each.answer.matched),
            outcome_of(each.answer),
            Text("right", "green") if each.right else Text("wrong", "bold red"),
        )
        for each in probes
    ]
    print_table(("probe shows", "nearest identities, with distance", "match", "outcome", ""), rows)
    basis = probes[0].answer.basis
    right = sum(each.right for each in probes)
    found = sum(each.right for each in scene)
    console.print(
        f"TRUE means: the nearest identity is within the threshold, {basis.threshold:.3f} "
        f"(the {basis.threshold_source.value}'s), cosine distance.\n"
        f"{right} of {len(probes)} answers are right, and {found} of {len(scene)} in the frame with several people."
    )
    if right + found < len(probes) + len(scene):
        console.print(
            "The model and its threshold come from photographs; drawn people resemble each other in other ways."
        )
    else:
        console.print("It is an easy cast: what to expect of real people is on the model's card, `gallery model info`.")
    console.print(
        f"\nSee {output / 'demo-scene.png'} and {output / 'demo-sheet.png'}. Now with pictures of yours:\n\n"
        "  gallery serve\n"
        "  gallery enrol people/        a folder for each person\n"
        "  gallery identify probe.jpg\n"
    )
