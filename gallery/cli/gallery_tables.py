"""Galleries as tables and JSON: in a line, and with all thresholds and the policy."""

from typing import TYPE_CHECKING

from gallery.cli.answers import share, threshold_json
from gallery.cli.context import duration_line
from gallery.cli.output import plain, print_json, print_table, say

if TYPE_CHECKING:
    from gallery.domain import Gallery, Policy, QualityLimits, Threshold


def print_galleries(galleries: "list[Gallery]", *, as_json: bool) -> None:
    """Print a line for each gallery, or all that is known as JSON."""
    if as_json:
        print_json({"galleries": [gallery_json(one) for one in galleries]})
        return
    rows = [
        (
            one.gallery_id,
            f"{one.model_name} ({one.model_digest[:12]})",
            str(one.dimension),
            "the model's" if one.threshold is None else _threshold_line(one.threshold),
            one.created_at.isoformat(timespec="seconds"),
        )
        for one in galleries
    ]
    print_table(("gallery", "model", "#dimension", "threshold", "created"), rows)
    if not galleries:
        say("there is none yet; `gallery enrol FOLDER` makes one")


def print_gallery(gallery: "Gallery", *, as_json: bool) -> None:
    """Print one gallery with every threshold it has had and its policy."""
    print_galleries([gallery], as_json=as_json)
    if as_json:
        return
    rows = [
        (
            str(one.version),
            f"{one.value:.4g}",
            one.origin.value,
            "" if one.target_fpir is None else share(one.target_fpir),
            "" if one.low is None else f"{one.low:.4g} to {one.high:.4g}",
            "" if one.identity_count is None else str(one.identity_count),
            f"{one.margin:.4g}",
            one.set_at.isoformat(timespec="seconds"),
        )
        for one in gallery.thresholds
    ]
    headings = ("#version", "#threshold", "origin", "#target FPIR", "95% interval", "#identities", "#margin", "set")
    if rows:
        print_table(headings, rows, title="thresholds, the last one is applied")
    print_table(("policy", ""), _policy_lines(gallery.policy))


def gallery_json(gallery: "Gallery") -> dict[str, object]:
    """Name what is known of a gallery; ``template_lifetime`` is in seconds."""
    return {
        "gallery_id": gallery.gallery_id,
        "model_name": gallery.model_name,
        "model_digest": gallery.model_digest,
        "dimension": gallery.dimension,
        "created_at": gallery.created_at,
        "threshold": None if gallery.threshold is None else threshold_json(gallery.threshold),
        "thresholds": [threshold_json(one) for one in gallery.thresholds],
        "policy": gallery.policy,
    }


def _threshold_line(threshold: "Threshold") -> str:
    return f"{threshold.value:.4g} ({threshold.origin.value}, version {threshold.version})"


def _policy_lines(policy: "Policy") -> list[tuple[str, str]]:
    lifetime, growth = policy.template_lifetime, policy.recalibrate_at_growth
    return [
        ("fusion", policy.fusion.value.replace("_", "-")),
        ("on conflict", policy.on_conflict.value),
        ("template lifetime", "for ever" if lifetime is None else duration_line(lifetime)),
        ("recalibrate at growth", "never" if growth is None else f"{growth:g}"),
        ("quality of enrolled pictures", _limits_line(policy.enrolment_quality)),
        ("quality of probes", _limits_line(policy.probe_quality)),
    ]


def _limits_line(limits: "QualityLimits") -> str:
    asked = {name.replace("_", " "): limit for name, limit in plain(limits).items() if limit is not None}
    return ", ".join(f"{name} {limit:g}" for name, limit in asked.items()) or "no limits"
