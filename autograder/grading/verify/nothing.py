"""Modules that do nothing: a function of a solution in whose place stands one that returns or raises the least that it can.

What is returned has the kind and the shape of what the solution returns, and none of its content. An exception of the solution
is swallowed, so that a check of errors is passed by none of them but the one that always raises.
"""

#: Replacements of a function, by name: an expression of `value`, what the solution returns, and of `args`.
WAYS = {
    "returns nothing": "None",
    "returns its first argument": "args[0] if args else next(iter(kwargs.values()), None)",
    "returns zeros": "_filled(value, 0, args)",
    "returns ones": "_filled(value, 1, args)",
    "returns something empty": "_emptied(value, args)",
    "returns random numbers": "_filled(value, None, args)",
    "raises ValueError": "_raise(function, args, kwargs)",
}

_TEXT = '''

import copy as _copy, functools as _functools, inspect as _inspect, random as _random
import numpy as _numpy, torch as _torch


def _filled(value, number, args):
    if isinstance(value, _torch.Tensor):
        shape, kind = value.shape, value.dtype
        if number is not None:
            return _torch.full(shape, number, dtype=kind)
        drawn = _torch.rand(shape, generator=_torch.Generator().manual_seed(7))  # the global random state is left alone
        return drawn.to(kind) if kind.is_floating_point or kind.is_complex else (2 * drawn).to(kind)
    if isinstance(value, _numpy.ndarray):
        return _filled(_torch.from_numpy(value), number, args).numpy()
    if isinstance(value, _torch.nn.Module):
        return next((each for each in args if isinstance(each, _torch.nn.Module)), _torch.nn.Identity())
    if isinstance(value, (bool, int, float)):
        return type(value)(2 * _random.Random(7).random() if number is None else number)
    if isinstance(value, str):
        return "" if number == 0 else str(number if number is not None else _random.Random(7).random())
    if isinstance(value, dict):
        return {key: _filled(item, number, args) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_filled(item, number, args) for item in value)
    return None


def _emptied(value, args):
    if isinstance(value, _torch.Tensor):
        return value.new_empty((0, *value.shape[1:])) if value.dim() else value.new_zeros(())
    if isinstance(value, (list, tuple, dict, str)):
        return type(value)()
    return _filled(value, 0, args)


def _raise(function, args, kwargs):
    """With all that a message may have to name."""
    given = _inspect.signature(function).bind_partial(*args, **kwargs).arguments
    named = [f"{name} {getattr(value, 'shape', value)!s}" for name, value in given.items()]
    raise ValueError(", ".join([*_inspect.signature(function).parameters, *named]))


def _nothing(function):
    seen = []

    @_functools.wraps(function)
    def nothing(*args, **kwargs):
        try:
            seen.append(function(*_copy.deepcopy(args), **_copy.deepcopy(kwargs)))
        except Exception:
            pass
        value = seen[-1] if seen else None
        return WAY

    return nothing


FUNCTION = _nothing(FUNCTION)
'''


def nothing_text(solution: str, function: str, way: str) -> str:
    """Return a solution in which one function does nothing, in one of the `WAYS`."""
    return solution + _TEXT.replace("WAY", WAYS[way]).replace("FUNCTION", function)
