"""Parameters of a function, and calls of it with other arguments than a check gave."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograder.checks.call import Call
from autograder.checks.crossing import SentModule
from autograder.worker.codec import map_tree


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function.

    Attributes:
        name: its own.
        position: among all parameters.
        default: source of its default; empty if it has none.
    """

    name: str
    position: int
    default: str = ""


def parameters_of(function: str, solution: str) -> list[Parameter]:
    """Return the parameters of a function that is defined at the top level of a source; none if there is no such function."""
    functions = (node for node in ast.parse(solution).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    node = next((each for each in functions if each.name == function), None)
    if node is None or node.args.vararg is not None or node.args.posonlyargs:
        return []
    arguments = node.args
    defaults = [*[None] * (len(arguments.args) - len(arguments.defaults)), *arguments.defaults, *arguments.kw_defaults]
    names = [each.arg for each in (*arguments.args, *arguments.kwonlyargs)]
    return [
        Parameter(name, position, ast.unparse(default) if default is not None else "")
        for position, (name, default) in enumerate(zip(names, defaults, strict=True))
    ]


def argument_of(call: Call, parameter: Parameter) -> Any:
    """Return what a call gives for a parameter; None if that is left to its default."""
    at = parameter.position
    return call.args[at] if at < len(call.args) else call.kwargs.get(parameter.name)


def with_argument(call: Call, parameter: Parameter, value: Any) -> Call:
    """Return a call with another value for a parameter, given by position or by name as before."""
    at = parameter.position
    if at < len(call.args):
        return replace(call, args=(*call.args[:at], value, *call.args[at + 1 :]))
    return replace(call, kwargs={**call.kwargs, parameter.name: value})


def without_argument(parameter: Parameter, parameters: Sequence[Parameter], call: Call) -> Call:
    """Return a call that leaves a parameter to its default; the arguments behind it are given by name."""
    at = parameter.position
    if at >= len(call.args):
        return replace(call, kwargs={key: value for key, value in call.kwargs.items() if key != parameter.name})
    if call.of is not None and call.of >= at:
        return call
    behind = {each.name: value for each, value in zip(parameters[at + 1 :], call.args[at + 1 :], strict=False)}
    return replace(call, args=call.args[:at], kwargs={**behind, **call.kwargs})


def with_step(parameter: Parameter, step: int, call: Call) -> Call:
    """Return a call whose whole number for a parameter, given or its default, is larger by `step`; any other value stays."""
    value = argument_of(call, parameter)
    if value is None and parameter.default.isdecimal():
        value = int(parameter.default)
    return with_argument(call, parameter, value + step) if type(value) is int else call


def in_training_mode(call: Call) -> Call:
    """Return a call whose models are in training mode: each layer that the names of a model's state tell of."""

    def in_training(value: Any) -> Any:
        if not isinstance(value, SentModule):
            return value
        paths = [key.split(".")[:-1] for key in value.recipe.state]
        names = {".".join(path[:end]) for path in paths for end in range(len(path) + 1)}
        return replace(value, recipe=replace(value.recipe, training=sorted(names)))

    return replace(call, args=map_tree(in_training, call.args), kwargs=map_tree(in_training, call.kwargs))


def with_exchanged(first: Parameter, second: Parameter, call: Call) -> Call:
    """Return a call in which two arguments of one type have changed places."""
    one, other = argument_of(call, first), argument_of(call, second)
    if one is None or type(one) is not type(other):
        return call
    return with_argument(with_argument(call, first, other), second, one)
