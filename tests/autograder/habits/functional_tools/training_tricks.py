"""Decorators, singledispatch, reduce, walrus, match, closures and a context manager."""

import contextlib
import functools
import math
import operator
from functools import singledispatch, wraps


def checked(test, words):
    def decorate(function):
        @wraps(function)
        def wrapper(*args, **kwargs):
            if not test(*args, **kwargs):
                raise ValueError(words)
            return function(*args, **kwargs)

        return wrapper

    return decorate


@singledispatch
def squared(value):
    return (value * value).sum()


@squared.register
def _(value: list):
    return functools.reduce(operator.add, map(squared, value), 0.0)


def clip_gradients(gradients, max_norm):
    if (norm := math.sqrt(float(squared(gradients)))) <= max_norm:
        return [gradient.clone() for gradient in gradients], norm
    return [gradient * (max_norm / norm) for gradient in gradients], norm


def should_stop(losses, patience):
    match list(losses):
        case []:
            return False
        case [*all_of_them]:
            ranked = [math.inf if math.isnan(loss) else loss for loss in all_of_them]
            return (
                len(ranked) - 1 - min(range(len(ranked)), key=ranked.__getitem__) >= patience
                if min(ranked) < math.inf
                else len(ranked) >= patience
            )


@contextlib.contextmanager
def power(base):
    yield lambda exponent: base**exponent


@checked(lambda learning_rate, epoch, factor=0.98: True, "never")
def decayed_learning_rate(learning_rate, epoch, factor=0.98):
    with power(factor) as to_the:
        return learning_rate * to_the(epoch)
