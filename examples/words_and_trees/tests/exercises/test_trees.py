"""Checks of trees."""

import numpy as np
import pytest

from autograder.compare import assert_close, assert_equal

DATA = np.array([[0.1, 5.0], [0.2, 4.0], [0.8, 5.5], [0.9, 4.5]])
LABELS = np.array([0, 0, 1, 1])


@pytest.mark.points("gini", 0.75)
@pytest.mark.parametrize(("labels", "wanted"), [([0, 0], 0.0), ([0, 1], 0.5), ([0, 0, 0, 1], 0.375), ([], 0.0)])
def test_gini(submission, labels, wanted):
    """Labels of one kind are not mixed, and halves are mixed by a half."""
    assert_close(submission.gini(np.array(labels, dtype=np.int64)), wanted)
    assert_close(submission.gini(np.array([1, 0, 1, 0])), 0.5)


@pytest.mark.points("best_split", 1)
def test_a_clear_question(submission, reference):
    """A question that parts the labels is found, and the first of several."""
    assert_close(submission.best_split(DATA, LABELS), reference.Split(0, 0.2, 0.0))
    assert submission.best_split(DATA[:, ::-1], LABELS).feature == 1


@pytest.mark.hidden
@pytest.mark.points("best_split", 2)
def test_random_questions(submission, reference, dice):
    """The best question about random data is found."""
    for samples in (1, 6, 9, 9, 9, 9):
        data = dice.integers(0, 4, (samples, 3)).astype(float)
        labels = dice.integers(0, 2, samples)
        assert_close(submission.best_split(data, labels), reference.best_split(data, labels), atol=1e-6)


@pytest.mark.points("Stump", 2)
def test_a_stump_predicts(submission):
    """A stump is fitted, and predicts the labels that it has seen."""
    stump = submission.Stump().fit(DATA, LABELS)
    assert_close(stump.split.threshold, 0.2)
    assert_equal(stump.predict(DATA), LABELS)


@pytest.mark.points("Stump", 1)
def test_a_stump_without_a_second_part(submission):
    """A part without samples has the label that the stump was made with."""
    for otherwise in (0, 1):
        stump = submission.Stump(otherwise=otherwise).fit(DATA[:1], LABELS[3:])
        assert_equal(stump.predict(DATA), np.array([1, otherwise, otherwise, otherwise]))


@pytest.mark.hidden
@pytest.mark.points("Stump", 1)
def test_random_stumps(submission, reference, dice):
    """A stump of random data predicts what it should."""
    for _ in range(5):
        data, labels = dice.integers(0, 4, (9, 2)).astype(float), dice.integers(0, 2, 9)
        assert_equal(
            submission.Stump(1).fit(data, labels).predict(data), reference.Stump(1).fit(data, labels).predict(data)
        )
