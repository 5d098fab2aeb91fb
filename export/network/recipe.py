"""A training recipe: every choice that shapes the weights, frozen, and written into each checkpoint."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from export.data.augment import Augmentation
from export.errors import InvalidRecipe

Architecture: TypeAlias = Literal["mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"]
Pooling: TypeAlias = Literal["average", "gem"]
Precision: TypeAlias = Literal["float32", "mixed_bfloat16"]


@dataclass(frozen=True, slots=True)
class Network:
    """What is trained."""

    architecture: Architecture = "mobilenet_v2"
    alpha: float = 1.0
    height: int = 128
    width: int = 64
    last_stride: Literal[1, 2] = 1
    pooling: Pooling = "average"
    dimension: int = 256
    # Beside the feature of the whole picture, one of each of so many horizontal stripes; 0 leaves them out.
    stripes: int = 0
    stripe_dimension: int = 48
    neck: bool = True  # batch normalisation between the triplet's feature and the embedding
    mix_style: float = 0.0  # the probability, while training, that a picture takes on another's early statistics
    # Of every batch normalisation; Keras' 0.999 of V2 and V3 is too slow for short trainings: measured, rank-1
    # .45 against .67 after 4 epochs.
    norm_momentum: float = 0.95

    @property
    def parts(self) -> tuple[int, ...]:
        """The dimensions of what an embedding is joined of: the whole picture first, then its stripes."""
        return (self.dimension, *[self.stripe_dimension] * self.stripes)


@dataclass(frozen=True, slots=True)
class Objective:
    """What is minimised: L_rank on cosines, and what is added to it with a weight; 0 leaves a part out."""

    scale: float = 24.0
    margin: float = 0.15
    smoothing: float = 0.1
    triplet: float = 1.0
    stripes: float = 1.0  # of the mean L_rank of the stripes, where the network has them
    centralization: float = 0.0
    decorrelation: float = 0.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast. With ``minutes`` the clock is followed, else the steps."""

    epochs: int = 20
    minutes: float | None = None
    warmup_epochs: float = 1.0
    cosine: bool = True  # the learning rate falls to zero along a cosine; else it stays
    learning_rate: float = 6e-4
    weight_decay: float = 5e-4
    head_only_epochs: int = 0  # staged unfreezing: the backbone stays frozen this long
    frozen_layers: int = 0  # the first layers of the backbone that are never trained
    average: float = 0.995  # of the exponential moving average of the weights, a step
    patience: int | None = None  # validations without a better mAP before it stops
    precision: Precision = "float32"  # of the backbone while it trains; what is saved is always float32


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that shapes the weights, but for the pictures and the starting weights."""

    network: Network = field(default_factory=Network)
    objective: Objective = field(default_factory=Objective)
    schedule: Schedule = field(default_factory=Schedule)
    augmentation: Augmentation = field(default_factory=Augmentation)
    identities_a_batch: int = 16
    images_each: int = 4
    seed: int = 0
    held_out: int = 100  # identities kept out of training, by which the best epoch is chosen
    leave_out_single: bool = False  # people of one image: left out, or refused

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work with InvalidRecipe."""
        if self.network.height % 32 or self.network.width % 32:
            raise InvalidRecipe(
                f"the input {self.network.height}x{self.network.width} does not divide by 32",
                expected="a height and width that are multiples of 32, such as 128x64 or 256x128",
            )
        if self.network.stripes < 0 or self.network.stripe_dimension < 1:
            raise InvalidRecipe(
                f"{self.network.stripes} stripes of {self.network.stripe_dimension} numbers cannot be made",
                expected="stripes >= 0 and stripe_dimension >= 1",
            )
        if not 0 <= self.network.mix_style <= 1:
            raise InvalidRecipe(f"mix_style is a probability and cannot be {self.network.mix_style}", expected="0 to 1")
        if self.identities_a_batch < 1 or self.images_each < 1:
            raise InvalidRecipe(
                f"a batch of {self.identities_a_batch}x{self.images_each} is empty",
                expected="at least 1 identity with 1 image",
            )
        if self.objective.triplet and (self.identities_a_batch < 2 or self.images_each < 2):
            raise InvalidRecipe(
                f"a batch of {self.identities_a_batch}x{self.images_each} has no triplets",
                expected="at least 2 identities with 2 images each",
                remedy="use larger batches, or leave the triplet loss out",
            )
        if self.schedule.epochs < 1 or (self.schedule.minutes is not None and self.schedule.minutes <= 0):
            raise InvalidRecipe("the schedule has no length", expected="epochs >= 1 and minutes > 0")
        if self.schedule.patience is not None and self.held_out < 1:
            raise InvalidRecipe(
                "patience waits for a better mAP, and nobody is held out to measure it",
                expected="held_out >= 1 with patience",
                remedy="hold people out, or leave patience out",
            )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)
