"""Run the checks of a function on the definitions of a student's notebook: `check`.

    from autograder.student.notebook import check

    check("total_variation")

`check` runs in the notebook's own process, on the functions as they are defined at that moment, even if a cell was edited
since. In a graded notebook nbgrader reads the points that such a cell returns. A notebook can cheat there;
`autograder.platforms.nbgrader` grades in a sandbox instead.
"""

import base64
import builtins
import contextlib
import decimal
import linecache
import os
import random
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

# `check` imports the rest of the engine when it is called: a student's cells may import this module, and a worker that loads
# them must not spend time on the engine.
from autograder.course.catalog import Catalog, course_here, speak
from autograder.errors import GraderError, UsageError
from autograder.libraries import KERAS_ON_TORCH, is_loaded, np, torch
from autograder.messages import tr
from autograder.results.labels import show_picture

if TYPE_CHECKING:
    from autograder.results.types import CheckResult
    from autograder.submissions import Module

#: Variable that nbgrader sets to its purpose when it executes a notebook.
_EXECUTION = "NBGRADER_EXECUTION"
#: Most letters in a line of a cell's output: a browser would break a longer one anywhere.
_WIDTH = 100
for _name in KERAS_ON_TORCH.keys() - os.environ.keys():  # a later cell may import Keras, which reads these variables
    os.environ[_name] = KERAS_ON_TORCH[_name]


def check(function: str | Callable[..., Any], *, hidden: bool = False) -> float:
    """Print the results of a function's checks. Return its points: 0 if its cell was not run or its checks are not here.

    Args:
        function: its name, or the function itself.
        hidden: True to run the hidden checks instead, for nbgrader's cells while it grades.

    Raises:
        UsageError: there is no such function, it has no such checks here, or a person asks for the hidden ones.
        GraderError: the checks themselves failed.
        Stopped: the student has stopped the checks.
    """
    if not isinstance(function, str):
        function = str(getattr(function, "__name__", function))
    if hidden and os.environ.get(_EXECUTION) != "autograde":
        raise UsageError(
            tr("the hidden checks of {function} run when the notebook is graded, and only then", function=function)
        )
    from autograder.results.mark import SHOWN, Hidden, visible_check
    from autograder.results.summary import function_lines
    from autograder.results.wording import points_line
    from autograder.student.progress import checked_functions

    catalog = course_here()
    speak(catalog)
    unit = catalog.unit_of(function)
    facts = unit.functions[function]
    if not hidden and function not in checked_functions(catalog, unit):
        print(f"{function}: {points_line(0.0, 0.0, facts.later)}")
        return 0.0
    if function not in vars(_namespace()):
        print(tr("{function} is not defined here: run its cell first", function=function))
        return 0.0
    # Both kinds run, as a hidden check may depend on a visible one.
    try:
        results = [result for result in _run_checks(catalog, unit.name, function, hidden) if result.hidden == hidden]
    except KeyboardInterrupt as stop:
        raise Stopped(_stopped_line(function, stop)) from None
    if not results:
        raise UsageError(
            tr("{function} has no hidden checks here" if hidden else "{function} has no checks here", function=function)
        )
    if any(result.outcome == "error" for result in results):
        raise GraderError(next(result.message for result in results if result.outcome == "error"))
    names = _cell_names()
    shown = Hidden(os.environ.get(SHOWN, Hidden.POINTS))
    later = 0.0 if hidden else facts.later
    told = [visible_check(result, shown) for result in results]
    for line in function_lines(told, set(), verbose=True, printed=True, later=later):
        for part in _wrap(_with_cell_numbers(line, names)):
            print(part)
    for result in results:
        _show(result)
    return float(sum(result.points for result in results))


class Stopped(KeyboardInterrupt):
    """Interrupt by which the student stopped the checks. The notebook runs no cell below, and shows one line for it."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback."""
        return [str(self)]


def _stopped_line(function: str, stop: KeyboardInterrupt) -> str:
    """Return a sentence with the line of the notebook that was running when the student stopped it."""
    names = _cell_names()
    frames = [each for each in traceback.extract_tb(stop.__traceback__) if Path(each.filename).name in names]
    if not frames:
        return tr("Stopped, while no line of {function} was running.", function=function)
    last = frames[-1]
    place = _with_cell_numbers(f"{Path(last.filename).name}:{last.lineno}", names)
    return tr("Stopped in {place}: {line}", place=place, line=(last.line or "").strip())


def _wrap(line: str) -> list[str]:
    from autograder.student.screen import wrap

    return wrap(line, _WIDTH)


def _run_checks(catalog: Catalog, unit: str, function: str, hidden: bool) -> "tuple[CheckResult, ...]":
    from autograder.checks.plugin.runs import HOME_SEED
    from autograder.checks.transport import Capturing
    from autograder.grading.grade import Grader, InThisProcess
    from autograder.grading.session import ChecksAlone
    from autograder.grading.spec import GradingSpec
    from autograder.submissions import Submission
    from autograder.worker.substitutes import run_uncompiled, without_cuda

    spec = GradingSpec(
        catalog, units=(unit,), functions=frozenset({function}), hidden=hidden, seed=HOME_SEED, require=()
    )
    with _restore_state(), run_uncompiled(), without_cuda(), _devices_on_cpu(), _no_input():
        modules = _live_modules(unit, _put_settings_aside())
        return Grader(spec, InThisProcess(Capturing), ChecksAlone()).grade(Submission(unit, modules)).checks


def _live_modules(unit: str, settings: str) -> "dict[str, Module]":
    """Return a module that imports all that the notebook defines, as the unit, and the cells as the files beside it.

    Args:
        unit: the name of the unit.
        settings: statements that the module executes too.
    """
    from autograder.submissions import Module

    class Live(Module):
        def used_by(self, function: str, *others: Module) -> set[str]:
            return _used_by(function, _functions())

    cells = {value.__code__.co_filename for value in _functions().values()}
    live = Live(unit, f"{unit}.ipynb", f"from {_namespace().__name__} import *\n{settings}")
    return {
        unit: live,
        **{f"_cell_{number}": Module("", cell, _cell_text(cell)) for number, cell in enumerate(sorted(cells))},
    }


def _cell_text(filename: str) -> str:
    """Return the source of a cell, which IPython keeps for tracebacks."""
    return "".join(linecache.getlines(filename))


def _namespace() -> types.ModuleType:
    return sys.modules["__main__"]


def _functions() -> dict[str, types.FunctionType]:
    """Return the functions that were defined in the notebook itself."""
    values = vars(_namespace())
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, types.FunctionType) and value.__globals__ is values
    }


def _used_by(function: str, functions: dict[str, types.FunctionType]) -> set[str]:
    used: set[str] = set()
    waiting = [function]
    while waiting:
        name = waiting.pop()
        found = _names_in(functions[name].__code__) & functions.keys() - used if name in functions else set()
        used |= found
        waiting += found
    return used - {function}


def _names_in(code: types.CodeType) -> set[str]:
    """Return the names that code reads, with those in its comprehensions, lambdas and inner functions."""
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*map(_names_in, inner))


@contextlib.contextmanager
def _restore_state() -> Iterator[None]:
    """Restore the notebook's random numbers, settings of libraries and logging, as if no check had been run."""
    from autograder.worker.restorer import library_settings, logging_handlers

    settings = [(setting, setting.read()) for setting in (*library_settings(), logging_handlers())]
    states: list[tuple[Callable[[Any], object], Any]] = [
        (decimal.setcontext, decimal.getcontext().copy()),
        (random.setstate, random.getstate()),
    ]
    if is_loaded("numpy"):
        states.append((np.random.set_state, np.random.get_state()))
    if is_loaded("torch"):
        states.append((torch.set_rng_state, torch.get_rng_state()))
    try:
        yield
    finally:
        for setting, before in settings:
            if setting.read() != before:
                setting.write(before)
        for restore, state in states:
            restore(state)


def _put_settings_aside() -> str:
    """Let checks draw with torch's first settings. Return the source of statements that make those of the notebook again.

    They are the student's, and the unit makes them, as it does where it is graded.
    """
    if not is_loaded("torch"):
        return ""
    dtype, device, grad = torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()
    made = [
        *([f"set_default_dtype(_torch.{str(dtype).rpartition('.')[2]})"] if dtype is not torch.float32 else []),
        *([f"set_default_device({str(device)!r})"] if device.type not in ("cpu", "cuda") else []),
        *([] if grad else ["set_grad_enabled(False)"]),
    ]
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    lines = ["_torch=__import__('torch')", *(f"_torch.{each}" for each in made)] if made else []
    return "".join(f"{line}\n" for line in lines)


@contextlib.contextmanager
def _devices_on_cpu() -> Iterator[None]:
    """Set variables that name a GPU to the CPU, as they would be in a graded run, which finds no GPU."""
    values = vars(_namespace())
    kept = {name: value for name, value in values.items() if _is_gpu(value)}
    values.update((name, type(value)("cpu")) for name, value in kept.items())
    try:
        yield
    finally:
        values.update(kept)


def _is_gpu(value: object) -> bool:
    """Return True for the name of a GPU, or torch's own word for one."""
    if is_loaded("torch") and isinstance(value, torch.device):
        return value.type == "cuda"
    return type(value) is str and re.fullmatch(r"cuda(:\d+)?", value) is not None


@contextlib.contextmanager
def _no_input() -> Iterator[None]:
    """Make `input()` raise EOFError, as in a graded run: in Jupyter it would wait for an answer."""

    def ask(prompt: object = "") -> str:
        print(prompt, end="")
        raise EOFError("EOF when reading a line")

    before = builtins.input
    builtins.input = ask
    try:
        yield
    finally:
        builtins.input = before


def _show(result: "CheckResult") -> None:
    """Show the picture of a wrong image, if this is a notebook."""
    if not result.picture or _shell() is None:
        return
    from IPython.display import Image, display

    print(f"{tr(result.title)}:")
    # IPython has no types.
    display(Image(data=base64.b64decode(show_picture(result.picture)), format="png"))  # type: ignore[no-untyped-call]


def _shell() -> Any:
    """Return IPython's shell, or None if this is no notebook."""
    return vars(_namespace()).get("get_ipython", lambda: None)()


def _cell_names() -> dict[str, int]:
    """Return the numbers of cells by the file names under which IPython has compiled them."""
    names = getattr(getattr(_shell(), "compile", None), "_filename_map", {})
    return {Path(name).name: number for name, number in names.items()}


def _with_cell_numbers(line: str, names: dict[str, int]) -> str:
    """Return the line with file names of cells replaced by their numbers."""

    def number_of(found: re.Match[str]) -> str:
        number = names.get(found[1])
        return found[0] if number is None else tr("cell [{number}], line {found}", number=number, found=found[2])

    return re.sub(r"([\w.]+\.py):(\d+)", number_of, line)
