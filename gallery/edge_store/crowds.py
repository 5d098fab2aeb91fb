"""How many hits to fetch so as to find enough people: each hit in vain costs as much as comparing ten embeddings."""

_MARGIN = 1.5
_FORGETTING = 1 / 32


class Crowd:
    """How many hits earlier searches needed for each person that they found, at most.

    It grows at once and shrinks slowly: a search that fetched too few is made again.
    """

    def __init__(self) -> None:
        self._hits_a_person: float | None = None

    def hits(self, people: int, each_has: int) -> int:
        """Guess how many hits will do; before the first search, as many as the people have templates."""
        return round(people * (each_has + 1 if self._hits_a_person is None else self._hits_a_person))

    def learn(self, people: int, hits: int) -> None:
        """Take note that ``hits`` hits had ``people`` people among them."""
        needed = _MARGIN * hits / max(people, 1)
        before = needed if self._hits_a_person is None else self._hits_a_person
        self._hits_a_person = max(needed, before + _FORGETTING * (needed - before))
