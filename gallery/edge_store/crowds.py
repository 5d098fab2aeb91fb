"""How many hits it takes to find so many people: fetched in vain, a hit costs as much as comparing ten embeddings."""

_MARGIN = 1.5
_FORGETTING = 1 / 32


class Crowd:
    """How many of the nearest templates each of the people nearest to a probe had in the searches before, at most.

    It grows at once and shrinks slowly: a search that fetched too few is made again.
    """

    def __init__(self) -> None:
        self._hits_a_person: float | None = None

    def hits(self, people: int, each_has: int) -> int:
        """Guess how many hits will do; before any search, as if the people had all their templates there."""
        return round(people * (each_has + 1 if self._hits_a_person is None else self._hits_a_person))

    def learn(self, people: int, hits: int) -> None:
        """Hear that so many people were found within so many hits."""
        needed = _MARGIN * hits / max(people, 1)
        before = needed if self._hits_a_person is None else self._hits_a_person
        self._hits_a_person = max(needed, before + _FORGETTING * (needed - before))
