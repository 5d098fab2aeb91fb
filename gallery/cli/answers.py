"""Answers as people and scripts read them: outcome, runner-up and margin, quality, and what a decision rests on."""

from typing import TYPE_CHECKING

from rich.text import Text

from gallery.cli.output import print_table, say

if TYPE_CHECKING:
    from gallery.domain import Basis, Identification, Quality, Threshold, Verification

_NOTHING = "—"


def verdict(matched: bool) -> Text:
    """Write the decision as people and scripts look for it."""
    return Text("TRUE", "bold green") if matched else Text("FALSE", "bold yellow")


def outcome_of(answer: "Identification | Verification") -> str:
    """Write the outcome: MATCH, NO_MATCH, AMBIGUOUS or REJECTED."""
    return answer.outcome.name


def reasons_line(quality: "Quality") -> str:
    """Say why a picture cannot be judged; empty when it can."""
    return ", ".join(reason.replace("_", " ") for reason in quality.reasons)


def candidates_line(person: "Identification", limit: int) -> str:
    """List the nearest identities with their distances."""
    near = [f"{candidate.identity_id} {candidate.distance:.3f}" for candidate in person.candidates[:limit]]
    return ", ".join(near) or "nobody is enrolled"


def basis_line(basis: "Basis") -> str:
    """Say what a decision rests on: the threshold, its source, version and target, the margin, metric and model."""
    version = "" if basis.threshold_version is None else f", version {basis.threshold_version}"
    target = "" if basis.target_fpir is None else f", for a target FPIR of {share(basis.target_fpir)}"
    return (
        f"threshold {basis.threshold:.4g} ({basis.threshold_source.value}'s{version}{target}), "
        f"least margin {basis.margin:.4g}, {basis.metric} distance, model {basis.model_digest[:12]}"
    )


def share(value: float) -> str:
    """Write a share as a percentage, to a hundredth of one."""
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + "%"


def print_people(people: "tuple[Identification, ...]", top: int) -> None:
    """Print the answer for each person of a picture, and what they rest on."""
    rows = [
        (
            "whole picture" if person.region is None else str(person.region),
            verdict(person.matched),
            outcome_of(person),
            person.identity_id or _NOTHING,
            candidates_line(person, top),
            person.candidates[1].identity_id if len(person.candidates) > 1 else _NOTHING,
            _NOTHING if person.margin is None else f"{person.margin:.3f}",
            reasons_line(person.quality) or _NOTHING,
        )
        for person in people
    ]
    headings = ("person", "match", "outcome", "identity", "nearest, with distance", "runner-up", "#margin", "quality")
    print_table(headings, rows)
    say(basis_line(people[0].basis))


def person_json(person: "Identification", top: int) -> dict[str, object]:
    """Name what is said of one person of a picture."""
    return {
        "region": person.region,
        "matched": person.matched,
        "outcome": person.outcome.name,
        "identity_id": person.identity_id,
        "candidates": person.candidates[:top],
        "runner_up": person.candidates[1] if len(person.candidates) > 1 else None,
        "margin": person.margin,
        "quality": person.quality,
        "basis": person.basis,
    }


def verification_json(answer: "Verification") -> dict[str, object]:
    """Name what is said of a pair."""
    return {
        "matched": answer.matched,
        "outcome": answer.outcome.name,
        "distance": answer.distance,
        "quality": answer.quality,
        "basis": answer.basis,
    }


def threshold_json(threshold: "Threshold") -> dict[str, object]:
    """Name what is known of one version of a threshold; the tail it is corrected by is the store's own."""
    named = ("version", "value", "origin", "set_at", "margin", "target_fpir", "low", "high", "identity_count")
    return {name: getattr(threshold, name) for name in named}
