"""`gallery galleries threshold` and `policy`: what a gallery decides by, and how it is kept."""

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gallery.cli.common import Common, on_a_gallery
from gallery.cli.context import duration
from gallery.cli.gallery_tables import print_gallery
from gallery.cli.target import ask

if TYPE_CHECKING:
    from gallery.cli.target import AnyGallery
    from gallery.domain import Gallery, Policy

THRESHOLD_EPILOG = """Examples:

gallery galleries threshold --gallery lobby --pin 0.35

gallery galleries threshold --gallery lobby --model-default — back to the default of the model's card

gallery calibrate --gallery lobby sets one that keeps a promise. Running servers apply it to the next call."""

POLICY_EPILOG = """Examples:

gallery galleries policy --gallery lobby --template-lifetime 12h --on-conflict refuse

gallery galleries policy --gallery lobby --quality recommended --recalibrate-at-growth 1.5

What is not named stays. A lifetime applies to what is enrolled from then on."""

_NONE = "none"


class FusionName(StrEnum):
    """How several templates of one identity decide its distance."""

    BEST = "best"
    MEAN = "mean"
    TOP_K = "top-k"


class ConflictName(StrEnum):
    """What happens to an enrolment that lies nearer to somebody else."""

    ACCEPT = "accept"
    WARN = "warn"
    REFUSE = "refuse"


class QualityName(StrEnum):
    """Which limits pictures must keep."""

    RECOMMENDED = "recommended"
    NONE = "none"


@on_a_gallery
def threshold(
    common: Common,
    pin: Annotated[float | None, typer.Option(metavar="DISTANCE", help="Pin it by hand, 0 to 2.")] = None,
    model_default: Annotated[bool, typer.Option("--model-default", help="Go back to the model's default.")] = False,
) -> None:
    """Pin the threshold of the gallery named by --gallery, or go back to the model's."""
    if (pin is not None) == model_default:
        raise typer.BadParameter("name either --pin DISTANCE or --model-default")
    changed = ask(
        common.target,
        lambda gallery: gallery.update_gallery(common.gallery_id, pinned_threshold=pin, model_threshold=model_default),
    )
    print_gallery(changed, as_json=common.as_json)


@on_a_gallery
def policy(
    common: Common,
    fusion: Annotated[FusionName | None, typer.Option(help="How several templates of a person decide.")] = None,
    on_conflict: Annotated[
        ConflictName | None, typer.Option(help="What becomes of an image that lies nearer to somebody else.")
    ] = None,
    template_lifetime: Annotated[
        str | None, typer.Option(metavar="12h|3d|none", help="How long a template matches after its capture.")
    ] = None,
    quality: Annotated[QualityName | None, typer.Option(help="Limits on enrolled pictures and on probes.")] = None,
    max_strangeness: Annotated[
        str | None,
        typer.Option(metavar="SHARE|none", help="Most that may be unlike the training; see gallery model info."),
    ] = None,
    recalibrate_at_growth: Annotated[
        str | None, typer.Option(metavar="1.5|none", help="Calibrate anew at this many times the identities.")
    ] = None,
) -> None:
    """Change how the gallery named by --gallery is kept."""
    asked = (fusion, on_conflict, template_lifetime, quality, max_strangeness, recalibrate_at_growth)
    if all(option is None for option in asked):
        raise typer.BadParameter("say what to change; gallery galleries show lists the policy")

    def changed(policy: "Policy") -> "Policy":
        from gallery.domain import Fusion, OnConflict

        if fusion is not None:
            policy = replace(policy, fusion=Fusion[fusion.name])
        if on_conflict is not None:
            policy = replace(policy, on_conflict=OnConflict[on_conflict.name])
        if template_lifetime is not None:
            lifetime = None if template_lifetime == _NONE else duration(template_lifetime, "--template-lifetime")
            policy = replace(policy, template_lifetime=lifetime)
        if recalibrate_at_growth is not None:
            growth = _number(recalibrate_at_growth, "--recalibrate-at-growth")
            policy = replace(policy, recalibrate_at_growth=growth)
        if quality is not None:
            policy = _with_quality(policy, quality)
        if max_strangeness is not None:
            policy = _with_strangeness(policy, _number(max_strangeness, "--max-strangeness"))
        return policy

    async def change(gallery: "AnyGallery") -> "Gallery":
        before = await gallery.get_gallery(common.gallery_id)
        return await gallery.update_gallery(common.gallery_id, policy=changed(before.policy))

    print_gallery(ask(common.target, change), as_json=common.as_json)


def _with_quality(policy: "Policy", quality: QualityName) -> "Policy":
    """Set both sets of limits; recommended ones keep a limit on strangeness, which is of one model's space."""
    from gallery.domain import QualityLimits
    from gallery.quality import RECOMMENDED_ENROLMENT, RECOMMENDED_PROBE

    if quality is QualityName.NONE:
        return replace(policy, enrolment_quality=QualityLimits(), probe_quality=QualityLimits())
    return replace(
        policy,
        enrolment_quality=replace(RECOMMENDED_ENROLMENT, max_strangeness=policy.enrolment_quality.max_strangeness),
        probe_quality=replace(RECOMMENDED_PROBE, max_strangeness=policy.probe_quality.max_strangeness),
    )


def _with_strangeness(policy: "Policy", limit: float | None) -> "Policy":
    return replace(
        policy,
        enrolment_quality=replace(policy.enrolment_quality, max_strangeness=limit),
        probe_quality=replace(policy.probe_quality, max_strangeness=limit),
    )


def _number(text: str, option: str) -> float | None:
    if text == _NONE:
        return None
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is neither a number nor none", param_hint=option) from None
