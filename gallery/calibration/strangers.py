"""The strangers a gallery is calibrated against, scored as it would score them.

The people of the cohort set the threshold. The gallery's own identities, each of them a stranger to all the others,
are of the operator's own cameras and people, but they are few, and a pair of look-alikes counts for both: they check
it (`promise`). Pooled with the cohort they made thresholds of galleries of 50 stricter than need be (TPIR 3 points).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.calibration.enrolled import Enrolled
from gallery.calibration.tail import Floats, PairCounts, Scores, count_pairs, tail_share
from gallery.domain import Cohort, Embedding, Fusion
from gallery.errors import InvalidRequest
from gallery.matching import identity_distances
from gallery.records import UNIT_TOLERANCE

MAX_OWN_PEOPLE = 500  # of a large gallery's identities that play strangers
MAX_PAIRED = 1000  # of a large gallery's identities that teach the exponent
SAME_PICTURE = 1e-5  # cosine distance; one picture embedded twice differs by less, two pictures never do
_PROBES_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Strangers:
    """The cohort's scores and pairs, and the own identities' scores: ``own_rows`` are the templates that played."""

    cohort: Scores
    pairs: PairCounts
    own: Scores
    own_rows: NDArray[np.int64]


def gather(enrolled: Enrolled, cohort: Cohort, fusion: Fusion, target: float, random: np.random.Generator) -> Strangers:
    """Score the cohort and the gallery's own identities; raises InvalidRequest for a cohort that cannot be.

    The exponent is learnt from the cohort against the gallery. The cohort against itself would teach more pairs, but
    of another law where a network has learnt to tell just those people apart.
    """
    checked_vectors(enrolled, cohort)
    checked_labels(enrolled, cohort)
    _, persons = np.unique(np.asarray(cohort.people, np.str_), return_inverse=True)
    people = int(persons.max()) + 1
    paired = np.sort(random.permutation(enrolled.identity_count)[:MAX_PAIRED])
    nearest, against_gallery = _score(cohort.embeddings, np.full(len(persons), -1), enrolled, fusion, paired)
    chosen = np.sort(random.permutation(enrolled.identity_count)[:MAX_OWN_PEOPLE])
    own_rows = np.flatnonzero(np.isin(enrolled.owners, chosen))
    own_nearest, _ = _score(enrolled.templates[own_rows], enrolled.owners[own_rows], enrolled, fusion, paired[:0])
    return Strangers(
        Scores(nearest, persons, people),
        count_pairs(against_gallery, persons, people, 2 * tail_share(people, target) / enrolled.identity_count),
        Scores(own_nearest, np.searchsorted(chosen, enrolled.owners[own_rows]), len(chosen)),
        own_rows,
    )


def checked_vectors(enrolled: Enrolled, cohort: Cohort) -> None:
    """Refuse, with InvalidRequest, strangers that are not unit vectors of the gallery's dimension."""
    dimension, given = enrolled.templates.shape[1], cohort.embeddings.shape[1]
    if given != dimension:
        raise InvalidRequest(
            f"the strangers' embeddings have {given} numbers", expected=f"{dimension}, as Embed gives them"
        )
    lengths = np.linalg.norm(cohort.embeddings, axis=1)
    odd = np.flatnonzero(~(np.abs(lengths - 1.0) <= UNIT_TOLERANCE))
    if len(odd):
        raise InvalidRequest(
            f"an embedding of the stranger {cohort.people[odd[0]]!r} has the length {lengths[odd[0]]:g}",
            expected="1, as Embed gives them",
        )


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
            both = f"the stranger {cohort.people[start + row]!r} and the stranger {cohort.people[column]!r}"
        elif twice.any():
            row, column = np.argwhere(twice)[0]
            name = enrolled.names[enrolled.owners[column]]
            both = f"the stranger {cohort.people[start + row]!r} and the identity {name!r}"
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
