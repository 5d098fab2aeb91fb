"""The choices of the paper's recipe, frozen, and written beside each model."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from export.errors import InvalidRecipe
from export.network.recipe import Architecture

Form: TypeAlias = Literal["prototype", "cosine"]


@dataclass(frozen=True, slots=True)
class Loss:
    """L = L_rank + λd·L_dec + λc·L_cent.

    The prototype's form has scale 128 and margin 4 on the logits; the cosine form has scale 16 for few people
    (30 for hundreds) and margin 0.2 on the cosine, and projects to ``dimension`` first. None is the form's own.
    """

    form: Form = "prototype"
    scale: float | None = None
    margin: float | None = None
    decorrelation: float = 0.5
    centralization: float = 0.0  # the cosine form only
    dimension: int = 128  # the cosine form only
    gram_schmidt: bool = False  # the cosine form only: make the centres orthogonal after each step

    @property
    def applied_scale(self) -> float:
        """The scale s that is used."""
        return (128.0 if self.form == "prototype" else 16.0) if self.scale is None else self.scale

    @property
    def applied_margin(self) -> float:
        """The margin m that is used."""
        return (4.0 if self.form == "prototype" else 0.2) if self.margin is None else self.margin


@dataclass(frozen=True, slots=True)
class PaperRecipe:
    """Everything that shapes the model but for the pictures and the base's weights."""

    architecture: Architecture = "mobilenet_v2"
    alpha: float = 1.0
    height: int = 256
    width: int = 128
    copies: int = 20  # how many augmented copies each training image is multiplied to
    epochs: int = 60
    batch: int = 64
    learning_rate: float = 1e-3
    test_share: float = 0.3
    people: int | None = None  # how many are drawn by seed; None takes everybody
    draws: int = 1  # how many times people are drawn and everything is done again
    seed: int = 0
    loss: Loss = Loss()

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work with InvalidRecipe."""
        if not 0 < self.test_share < 1:
            raise InvalidRecipe(f"a test share of {self.test_share} leaves one side empty", expected="between 0 and 1")
        if self.people is not None and self.people < 2:
            raise InvalidRecipe(f"{self.people} people cannot be told apart", expected="people >= 2")
        if min(self.copies, self.epochs, self.batch, self.draws) < 1:
            raise InvalidRecipe("copies, epochs, batch and draws count something", expected="each at least 1")
        if self.loss.form == "prototype" and (self.loss.gram_schmidt or self.loss.centralization):
            raise InvalidRecipe(
                "Gram-Schmidt and centralization are defined on cosines",
                expected="loss.form=cosine with them",
                remedy="add --set loss.form=cosine",
            )
