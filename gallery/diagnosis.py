"""What is wrong with a gallery, seen from its templates alone. Pure functions on embeddings.

Distances between templates are computed block by block, so memory is bounded whatever the gallery's size.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.domain import Embedding, Finding, FindingKind, Template

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

    * OUTLIER_TEMPLATE: a template nearer to another identity than to any other template of its own.
    * LIKELY_DUPLICATE: two identities with templates within ``threshold`` of each other.
    * INSEPARABLE: two identities whose nearest templates are closer than either's own templates are to each other,
      so that any threshold that finds one of them takes them for each other.
    """
    if len(templates) < 2:
        return ()
    names, owners = np.unique([template.info.identity_id for template in templates], return_inverse=True)
    if len(names) < 2:
        return ()
    near = _nearest(np.stack([template.embedding for template in templates]), owners.astype(np.int64))
    findings = _outliers(templates, near, gallery_id) + _pairs(
        names, owners.astype(np.int64), near, threshold, gallery_id
    )
    return tuple(sorted(findings, key=lambda finding: finding.distance)[:MAX_FINDINGS])


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


def _outliers(templates: Sequence[Template], near: _Nearest, gallery_id: str) -> list[Finding]:
    findings = []
    for row in np.flatnonzero(np.isfinite(near.own) & (near.other < near.own)):
        info, other = templates[int(row)].info, templates[int(near.other_index[row])].info
        command = _command("split", gallery_id, info.identity_id, other.identity_id, str(info.template_id))
        findings.append(
            Finding(
                FindingKind.OUTLIER_TEMPLATE,
                (info.identity_id, other.identity_id),
                float(near.other[row]),
                info.template_id,
                command,
            )
        )
    return findings


def _pairs(
    names: NDArray[np.str_], owners: NDArray[np.int64], near: _Nearest, threshold: float, gallery_id: str
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
        if distance < min(spread[one], spread[other]):
            kind = FindingKind.INSEPARABLE
        elif distance <= threshold:
            kind = FindingKind.LIKELY_DUPLICATE
        else:
            continue
        command = _command("merge", gallery_id, str(names[one]), str(names[other]))
        findings.append(Finding(kind, (str(names[one]), str(names[other])), distance, None, command))
    return findings


def _command(name: str, gallery_id: str, *ids: str) -> str:
    """Write a command whose ids, which may look like options, come after all options."""
    return shlex.join(("gallery", name, "--gallery", gallery_id, "--", *ids))
