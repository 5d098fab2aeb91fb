"""The paper's figures from a confusion matrix, each with its n and Wilson 95% interval.

One against the rest: a decision for person j is a true positive when it is right, else a false positive for j and
a miss for the person it was. Pooled over people (micro). The paper's "false detection rate" is read both ways.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.metrics.intervals import Estimate, wilson

PAPER_ACCURACY = wilson(54, 55, "images")  # 98.18%
PAPER_OTHER_FIGURE = 0.996  # the paper gives no n for it


@dataclass(frozen=True, slots=True)
class Classification:
    """How people were told apart. ``confusion`` [C, C] counts: row the person, column the decision."""

    people: tuple[str, ...]
    confusion: NDArray[np.int64]

    @property
    def accuracy(self) -> Estimate:
        """Right decisions of all decisions."""
        return wilson(int(np.trace(self.confusion)), int(self.confusion.sum()), "images")

    @property
    def precision(self) -> dict[str, Estimate]:
        """TP / (TP + FP): of the decisions for a person, those that were right."""
        return self._each(self.confusion.sum(axis=0), "decisions")

    @property
    def detection_rate(self) -> dict[str, Estimate]:
        """TP / (TP + FN): of the images of a person, those that were found."""
        return self._each(self.confusion.sum(axis=1), "images")

    @property
    def false_detections_of_others(self) -> Estimate:
        """FP / (FP + TN): of the (image, other person) pairs, those decided wrongly for the other person."""
        images, people = int(self.confusion.sum()), len(self.people)
        return wilson(images - int(np.trace(self.confusion)), images * (people - 1), "pairs")

    @property
    def false_detections_of_decisions(self) -> Estimate:
        """FP / (TP + FP): of the decisions, those that were wrong."""
        images = int(self.confusion.sum())
        return wilson(images - int(np.trace(self.confusion)), images, "decisions")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON, the paper's figures beside them."""
        return {
            "people": list(self.people),
            "accuracy": asdict(self.accuracy),
            "precision": {name: asdict(value) for name, value in self.precision.items()},
            "detection_rate": {name: asdict(value) for name, value in self.detection_rate.items()},
            "false_detection_rate": {
                "FP/(FP+TN)": asdict(self.false_detections_of_others),
                "FP/(TP+FP)": asdict(self.false_detections_of_decisions),
            },
            "confusion_matrix": self.confusion.tolist(),
            "paper": {"accuracy": asdict(PAPER_ACCURACY), "other_figure_without_n": PAPER_OTHER_FIGURE},
        }

    def _each(self, totals: NDArray[np.int64], unit: str) -> dict[str, Estimate]:
        right = np.diag(self.confusion)
        rows = {name: wilson(int(right[i]), int(totals[i]), unit) for i, name in enumerate(self.people)}
        return {"pooled": wilson(int(right.sum()), int(totals.sum()), unit), **rows}


def classification(people: tuple[str, ...], labels: NDArray[np.int64], decided: NDArray[np.int64]) -> Classification:
    """Count decisions [n] for images of ``labels`` [n], both as positions in ``people``."""
    confusion = np.zeros((len(people), len(people)), np.int64)
    np.add.at(confusion, (labels, decided), 1)
    return Classification(people, confusion)
