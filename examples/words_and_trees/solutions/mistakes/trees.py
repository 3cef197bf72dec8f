"""Known mistakes in trees."""

from typing import NamedTuple

import numpy as np

from autograder.diagnose import mistake


class Split(NamedTuple):
    feature: int
    threshold: float
    impurity: float


def _gini(labels):
    return 1 - ((np.bincount(labels) / max(1, len(labels))) ** 2).sum() if len(labels) else 0.0


def _splits(data, labels, weighted=True):
    for feature in range(data.shape[1]):
        for threshold in np.unique(data[:, feature]):
            low = data[:, feature] <= threshold
            shares = (low.mean(), (~low).mean()) if weighted else (0.5, 0.5)
            impurity = shares[0] * _gini(labels[low]) + shares[1] * _gini(labels[~low])
            yield Split(feature, float(threshold), round(float(impurity), 9))


@mistake("gini", "The shares are not squared.")
def does_not_square(labels):
    return float(1 - (np.bincount(labels) / len(labels)).sum()) if len(labels) else 0.0


@mistake("gini", "No labels are not mixed: their gini is 0.0.")
def divides_by_nothing(labels):
    return float(1 - ((np.bincount(labels) / max(1, len(labels))) ** 2).sum())


@mistake("best_split", "Both parts count alike; they must be weighted by their sizes.")
def does_not_weigh(data, labels):
    return min(_splits(data, labels, weighted=False), key=lambda split: (split.impurity, *split[:2]))


@mistake("best_split", "Of questions that are as good the last one is taken; it must be the first.")
def takes_the_last(data, labels):
    return min(_splits(data, labels), key=lambda split: (split.impurity, -split.feature, -split.threshold))


@mistake("Stump", "The labels of both parts are swapped.")
class Swapped:
    def __init__(self, otherwise=0):
        self.otherwise = otherwise

    def fit(self, data, labels):
        self.split = min(_splits(data, labels), key=lambda split: (split.impurity, *split[:2]))
        low = data[:, self.split.feature] <= self.split.threshold
        parts = (labels[~low], labels[low])
        self.labels = [int(np.bincount(part).argmax()) if len(part) else self.otherwise for part in parts]
        return self

    def predict(self, data):
        return np.where(data[:, self.split.feature] <= self.split.threshold, *self.labels)


@mistake("Stump", "A part without samples has the label 0; it must be the one that the stump was made with.")
class WithoutOtherwise(Swapped):
    def fit(self, data, labels):
        self.otherwise = 0
        super().fit(data, labels)
        self.labels.reverse()
        return self
