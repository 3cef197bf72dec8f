"""Trees: decide by one question.

Data are float64 arrays of shape (samples, features), labels int64 arrays of zeros and ones.
"""

from typing import NamedTuple

import numpy as np


class Split(NamedTuple):
    """A question: is this feature of a sample at most the threshold? And how mixed both answers are."""

    feature: int
    threshold: float
    impurity: float


def gini(labels: np.ndarray) -> float:
    """Return how mixed labels are: 1 minus the sum of the squared shares; 0.0 for no labels.

    Args:
        labels: shape (N,); N may be 0.
    """
    # TODO: Shares, squares, sum.
    raise NotImplementedError("gini")


def best_split(data: np.ndarray, labels: np.ndarray) -> Split:
    """Return the question whose answers are the least mixed: the mean gini of both parts, weighted by their sizes.

    Args:
        data: shape (N, F), N and F at least 1.
        labels: shape (N,).

    Returns:
        The first such question by feature, then by threshold; thresholds are the values of the feature.
    """
    # TODO: Try every feature and every threshold.
    raise NotImplementedError("best_split")


class Stump:
    """A tree with one question."""

    def __init__(self, otherwise: int = 0) -> None:
        """Keep the label for a part without samples."""
        self.otherwise = otherwise

    def fit(self, data: np.ndarray, labels: np.ndarray) -> "Stump":
        """Find the best question, keep it as `split`, and return the stump itself.

        Args:
            data: shape (N, F), N and F at least 1.
            labels: shape (N,).
        """
        # TODO: Use best_split; each part has the label that is more frequent in it, 0 if they are as frequent.
        raise NotImplementedError("fit")

    def predict(self, data: np.ndarray) -> np.ndarray:
        """Return the labels of data.

        Args:
            data: shape (M, F).

        Returns:
            int64, shape (M,).
        """
        # TODO: One line.
        raise NotImplementedError("predict")


# Question exclusive_or (4 points, read by people): The label is 1 if exactly one of two features is 1. Why does
# no stump predict it well, and what would?
### BEGIN ANSWER exclusive_or
"""

"""
### END ANSWER exclusive_or
