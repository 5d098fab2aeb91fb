"""The strangers a gallery is calibrated against, scored as it would score them.

Two kinds are pooled, each person weighing the same: the people of the cohort, and the gallery's own identities, each
of them a stranger to all the others. The own ones are of the operator's cameras, the cohort is there when the gallery
is small; measured on unseen people, pooling realised the target closer than either, and taking the stricter of both
thresholds cost TPIR for nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.calibration.enrolled import Enrolled
from gallery.calibration.tail import TAIL_SHARE, Floats, PairCounts, Scores, count_pairs
from gallery.domain import Cohort, Embedding, Fusion
from gallery.errors import InvalidRequest
from gallery.matching import identity_distances

MAX_OWN_PEOPLE = 500  # of a large gallery's identities that play strangers
MAX_PAIRED = 1000  # of a large gallery's identities that teach the exponent
SAME_PICTURE = 1e-5  # cosine distance; one picture embedded twice differs by less, two pictures never do
_PROBES_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Strangers:
    """All strangers' scores and pairs, and the gallery's own probes: ``own_rows`` and their nearest other identity."""

    scores: Scores
    pairs: PairCounts
    own_rows: NDArray[np.int64]
    own_nearest: Floats


def gather(enrolled: Enrolled, cohort: Cohort, fusion: Fusion, random: np.random.Generator) -> Strangers:
    """Score the cohort and the gallery's own identities; raises InvalidRequest for contradictory labels."""
    checked_labels(enrolled, cohort)
    _, persons = np.unique(np.asarray(cohort.people, np.str_), return_inverse=True)
    people = int(persons.max(initial=-1)) + 1
    chosen = np.sort(random.permutation(enrolled.identity_count)[:MAX_OWN_PEOPLE])
    own_rows = np.flatnonzero(np.isin(enrolled.owners, chosen))
    paired = np.sort(random.permutation(enrolled.identity_count)[:MAX_PAIRED])
    nobody = np.full(len(persons), -1, np.int64)
    nearest, against_gallery = _score(cohort.embeddings, nobody, enrolled, fusion, paired)
    own_nearest, own_pairs = _score(enrolled.templates[own_rows], enrolled.owners[own_rows], enrolled, fusion, paired)
    own_persons = people + np.searchsorted(chosen, enrolled.owners[own_rows])
    blocks = [(against_gallery, persons), (own_pairs, own_persons)]
    if people > 1:
        templates = max(1, int(np.median(np.bincount(enrolled.owners))))
        blocks.append((_among_themselves(cohort.embeddings, persons, templates, fusion, random), persons))
    everybody, size = people + len(chosen), enrolled.identity_count
    pairs = count_pairs(blocks, everybody, 2 * TAIL_SHARE / size)
    # an enrolled stranger met one identity fewer than a real one will
    met_by_all = own_nearest * ((size - 1) / size) ** (1.0 / pairs.exponent(np.ones(everybody)))
    scores = Scores(np.concatenate([nearest, met_by_all]), np.concatenate([persons, own_persons]), everybody)
    return Strangers(scores, pairs, own_rows, own_nearest)


def checked_labels(enrolled: Enrolled, cohort: Cohort) -> None:
    """Refuse, with InvalidRequest, a picture that shows two strangers, or a stranger and an enrolled person."""
    people = np.asarray(cohort.people, np.str_)
    for start in range(0, len(people), _PROBES_AT_ONCE):
        some = slice(start, start + _PROBES_AT_ONCE)
        same = 1.0 - cohort.embeddings[some] @ cohort.embeddings.T <= SAME_PICTURE
        same &= people[some, None] != people[None]
        twice = 1.0 - cohort.embeddings[some] @ enrolled.templates.T <= SAME_PICTURE
        if same.any():
            row, column = np.argwhere(same)[0]
            both = f"the stranger {people[start + row]!r} and the stranger {people[column]!r}"
        elif twice.any():
            row, column = np.argwhere(twice)[0]
            both = f"the stranger {people[start + row]!r} and the identity {enrolled.names[enrolled.owners[column]]!r}"
        else:
            continue
        raise InvalidRequest(
            f"one picture shows {both}",
            expected="strangers who are not enrolled, each under one name",
            remedy="leave that person's pictures out, or mend their label",
        )


def _score(
    probes: Embedding, owners: NDArray[np.int64], enrolled: Enrolled, fusion: Fusion, paired: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return each probe's distance to the nearest identity but its own, and to each of ``paired`` (its own: NaN)."""
    nearest, pairs = [np.empty(0)], [np.empty((0, len(paired)))]
    for start in range(0, len(probes), _PROBES_AT_ONCE):
        some = slice(start, start + _PROBES_AT_ONCE)
        distances = identity_distances(probes[some], enrolled.templates, enrolled.owners, fusion).astype(np.float64)
        enrolled_too = np.flatnonzero(owners[some] >= 0)
        distances[enrolled_too, owners[some][enrolled_too]] = np.nan
        nearest.append(np.nanmin(distances, axis=1))
        pairs.append(distances[:, paired])
    return np.concatenate(nearest), np.concatenate(pairs)


def _among_themselves(
    embeddings: Embedding, persons: NDArray[np.int64], templates: int, fusion: Fusion, random: np.random.Generator
) -> Floats:
    """Return the distances of strangers' pictures to the other strangers, as if those were enrolled; NaN: own."""
    order = random.permutation(len(persons))
    order = order[np.argsort(persons[order], kind="stable")]
    first = np.flatnonzero(np.diff(persons[order], prepend=-1))
    turn = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    taken = order[turn < templates]
    distances = identity_distances(embeddings, embeddings[taken], persons[taken], fusion).astype(np.float64)
    distances[np.arange(len(persons)), persons] = np.nan
    return distances
