"""The normalised means of identities' templates, remembered: ranking by the mean then needs no second search."""

from collections.abc import Sequence

from gallery.domain import Embedding

_REMEMBERED = 4096  # at 1 KB each of 256 numbers


class Means:
    """Unit vectors by identity, each forgotten when a template of the identity changes; the latest used are kept."""

    def __init__(self) -> None:
        self._means: dict[str, Embedding] = {}

    def known(self, identity_ids: Sequence[str]) -> dict[str, Embedding]:
        """Return the means that are remembered of these identities."""
        found = {}
        for identity_id in identity_ids:
            mean = self._means.pop(identity_id, None)
            if mean is not None:
                found[identity_id] = self._means[identity_id] = mean  # at the end again: the first will be forgotten
        return found

    def remember(self, identity_id: str, mean: Embedding) -> None:
        """Remember one, and forget another if there are too many."""
        self._means[identity_id] = mean
        if len(self._means) > _REMEMBERED:
            del self._means[next(iter(self._means))]

    def forget(self, identity_id: str) -> None:
        """Forget one, because its templates are no longer the same."""
        self._means.pop(identity_id, None)
