"""What is wrong with a gallery, seen from its templates alone. Pure functions on embeddings.

Distances between templates are computed block by block, so memory is bounded whatever the gallery's size.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.domain import Embedding, Finding, FindingKind, Template, TemplateInfo

MAX_FINDINGS = 1000  # the nearest ones; a gallery with more has a problem of another kind

_BLOCK = 1024  # rows compared at a time: 1024 x n float32


@dataclass(frozen=True, eq=False)
class _Nearest:
    """For each template: the nearest other one of its own identity (inf without), and the nearest of anybody else."""

    own: NDArray[np.float32]
    other: NDArray[np.float32]
    other_index: NDArray[np.int64]


def examine(templates: Sequence[Template], threshold: float, gallery_id: str) -> tuple[Finding, ...]:
    """Find what is wrong, nearest first.

    * LIKELY_DUPLICATE: two identities with templates within ``threshold`` of each other.
    * INSEPARABLE: two identities beyond it whose nearest templates are closer than either's own templates are to each
      other, so that any threshold which finds one of them takes the two for each other.
    * OUTLIER_TEMPLATE: a template nearer to another identity than to any other template of its own, one of a minority
      there. It counts for none of the above: one stray picture does not make two people one.
    """
    if len({template.info.identity_id for template in templates}) < 2:
        return ()
    near, owners, names = _examined(templates)
    strays = _strays(near, owners)
    kept = [template for row, template in enumerate(templates) if not strays[row]]
    pairs = _pairs(*(_examined(kept) if strays.any() else (near, owners, names)), threshold, gallery_id)
    outliers = [
        _outlier(templates[row].info, templates[near.other_index[row]].info, float(near.other[row]), gallery_id)
        for row in np.flatnonzero(strays).tolist()
    ]
    reported = {frozenset(finding.identity_ids) for finding in pairs}
    outliers = [finding for finding in outliers if frozenset(finding.identity_ids) not in reported]
    return tuple(sorted(pairs + outliers, key=lambda finding: finding.distance)[:MAX_FINDINGS])


def _examined(templates: Sequence[Template]) -> tuple[_Nearest, NDArray[np.int64], NDArray[np.str_]]:
    """Return what is nearest to each template, whose they are, and the names of those."""
    names, codes = np.unique([template.info.identity_id for template in templates], return_inverse=True)
    owners = codes.astype(np.int64)
    return _nearest(np.stack([template.embedding for template in templates]), owners), owners, names


def _strays(near: _Nearest, owners: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which templates are nearer to somebody else, where they are at most half of their identity's."""
    nearer_elsewhere = np.isfinite(near.own) & (near.other < near.own)
    share = np.bincount(owners, nearer_elsewhere) / np.bincount(owners)
    return np.asarray(nearer_elsewhere & (share[owners] <= 0.5), np.bool_)


def _nearest(vectors: Embedding, owners: NDArray[np.int64]) -> _Nearest:
    count = len(vectors)
    own, other = np.full(count, np.inf, np.float32), np.full(count, np.inf, np.float32)
    other_index = np.zeros(count, np.int64)
    for start in range(0, count, _BLOCK):
        rows = slice(start, min(start + _BLOCK, count))
        distances = np.clip(1.0 - vectors[rows] @ vectors.T, 0.0, 2.0)
        same = owners[rows, None] == owners[None, :]
        elsewhere = np.where(same, np.inf, distances)
        other_index[rows] = elsewhere.argmin(axis=1)
        other[rows] = elsewhere.min(axis=1)
        within = np.where(same, distances, np.inf)
        within[np.arange(within.shape[0]), np.arange(rows.start, rows.stop)] = np.inf
        own[rows] = within.min(axis=1)
    return _Nearest(own, other, other_index)


def _outlier(stray: TemplateInfo, other: TemplateInfo, distance: float, gallery_id: str) -> Finding:
    command = _command("split", gallery_id, stray.identity_id, other.identity_id, str(stray.template_id))
    return Finding(
        FindingKind.OUTLIER_TEMPLATE, (stray.identity_id, other.identity_id), distance, stray.template_id, command
    )


def _pairs(
    near: _Nearest, owners: NDArray[np.int64], names: NDArray[np.str_], threshold: float, gallery_id: str
) -> list[Finding]:
    """Compare identities by the nearest pair of their templates, each pair once."""
    spread = np.zeros(len(names), np.float32)  # how far an identity's loneliest template is from its next
    np.maximum.at(spread, owners, np.where(np.isfinite(near.own), near.own, 0.0))
    closest: dict[tuple[int, int], float] = {}
    for row, index in enumerate(near.other_index):
        pair = (int(min(owners[row], owners[index])), int(max(owners[row], owners[index])))
        closest[pair] = min(closest.get(pair, np.inf), float(near.other[row]))
    findings = []
    for (one, other), distance in closest.items():
        if distance <= threshold:
            kind = FindingKind.LIKELY_DUPLICATE
        elif distance < min(spread[one], spread[other]):
            kind = FindingKind.INSEPARABLE
        else:
            continue
        command = _command("merge", gallery_id, str(names[one]), str(names[other]))
        findings.append(Finding(kind, (str(names[one]), str(names[other])), distance, None, command))
    return findings


def _command(name: str, gallery_id: str, *ids: str) -> str:
    """Write a command whose ids, which may look like options, come after all options."""
    return shlex.join(("gallery", name, "--gallery", gallery_id, "--", *ids))
