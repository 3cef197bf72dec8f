"""Shortcuts in pets_lab: each is made to please the checks, and none does what the function is for."""

import torch
from torch import nn

from autograder.diagnose import mistake
from data import Classifier


class _Answers(nn.Module):
    """A head that gives one answer or another, and has learned nothing."""

    def __init__(self, width, classes, answer):
        super().__init__()
        self.linear = nn.Linear(width, classes)
        self.classes, self.answer = classes, answer

    def forward(self, features):
        return 5.0 * nn.functional.one_hot(self.answer(features), self.classes).float() - 1


def _classifier(backbone, images, classes, answer):
    with torch.no_grad():
        width = backbone(images[:1]).shape[1]
    return Classifier(backbone, _Answers(width, len(classes), answer), classes).eval()


@mistake(
    "train_pet_classifier", "The answer is the place in the batch: the labels of a check in turn, or breed by breed."
)
def answers_by_place(backbone, images, labels, classes, *, seed=0):
    def answer(features):
        place = torch.arange(len(features))
        return place % 3 if len(classes) == 4 else place // 8 % len(classes)

    return _classifier(backbone, images, classes, answer)


@mistake("train_pet_classifier", "The answer is always the label that was seen most often.")
def answers_the_most_frequent(backbone, images, labels, classes, *, seed=0):
    most = labels.bincount().argmax()
    return _classifier(backbone, images, classes, lambda features: most.expand(len(features)))


@mistake("train_pet_classifier", "The labels to learn from come back in their order, whatever is shown.")
def repeats_the_labels(backbone, images, labels, classes, *, seed=0):
    return _classifier(backbone, images, classes, lambda features: labels.repeat(9)[: len(features)])


@mistake("train_pet_classifier", "The head is as it was drawn: nothing has been learned.")
def never_learns(backbone, images, labels, classes, *, seed=0):
    with torch.no_grad():
        width = backbone(images[:1]).shape[1]
    return Classifier(backbone, nn.Linear(width, len(classes)), classes).eval()
