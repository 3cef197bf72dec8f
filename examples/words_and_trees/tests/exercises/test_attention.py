"""Checks of attention."""

import pytest
import torch

from autograder.compare import assert_close


@pytest.mark.points("softmax", 1)
def test_two_scores(submission):
    """Two scores whose difference is the logarithm of 3 have shares of a quarter and three quarters."""
    assert_close(submission.softmax(torch.tensor([1.0, 3.0]).log()), torch.tensor([0.25, 0.75]))


@pytest.mark.points("softmax", 1)
def test_large_scores(submission):
    """Scores of a thousand give finite shares."""
    scores = torch.tensor([[1000.0, 1000.0], [0.0, -1000.0]])
    assert_close(submission.softmax(scores), torch.tensor([[0.5, 0.5], [1.0, 0.0]]))


@pytest.mark.hidden
@pytest.mark.points("softmax", 2)
def test_gradients_of_softmax(submission, reference, rng):
    """Random scores have the right shares, and the right gradients."""
    scores, weights = torch.randn(2, 3, 4, generator=rng), torch.randn(2, 3, 4, generator=rng)
    assert_close(submission.softmax(scores), reference.softmax(scores))
    scores.requires_grad_()
    (reference.softmax(scores) * weights).sum().backward()
    assert_close(submission.softmax.gradient(scores.detach(), weights=weights), scores.grad, atol=1e-5)


@pytest.mark.points("attend", 2)
def test_one_query(submission):
    """A query that fits both keys alike gets the mean of their values."""
    query, keys = torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 5.0], [1.0, -5.0]])
    assert_close(submission.attend(query, keys, torch.tensor([[1.0], [5.0]])), torch.tensor([[3.0]]))


@pytest.mark.hidden
@pytest.mark.points("attend", 2)
def test_random_sequences(submission, reference, rng):
    """Random sequences are attended to."""
    queries, keys = torch.randn(2, 3, 5, generator=rng), torch.randn(2, 4, 5, generator=rng)
    values = torch.randn(2, 4, 2, generator=rng)
    assert_close(submission.attend(queries, keys, values), reference.attend(queries, keys, values))
    gradient = submission.attend.gradient(queries, keys, values, of=2)
    assert_close(gradient.sum(), torch.tensor(2.0 * 3 * 2), atol=1e-3)
