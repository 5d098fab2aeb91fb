"""How long is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """``rounds`` of ``seconds`` each way; ``requests`` until memory is looked at; ``people`` to compare pictures of."""

    rounds: int = 7
    seconds: float = 3.0
    requests: int = 20_000
    people: int = 150


FULL = Effort()
QUICK = Effort(rounds=3, seconds=2.0, requests=5_000, people=40)
LONG = Effort(requests=100_000)
