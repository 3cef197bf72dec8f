"""Show coloured lines, pictures and the result of a run in the student's terminal."""

import base64
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from autograder.course.catalog import Catalog
from autograder.course.units import Unit
from autograder.messages import tr, tr_plural
from autograder.results.summary import checks_points_line, function_lines
from autograder.results.types import CheckResult, Outcome
from autograder.student import standing
from autograder.student.progress import Progress, checked_functions
from autograder.student.runner import WatchedRun

_CHUNK = 4096
_ITERM = ("iTerm.app", "WezTerm", "mintty", "rio")
_KITTY = ("kitty", "ghostty")


def picture_text(path: Path, environment: Mapping[str, str], *, terminal: bool) -> str:
    """Return the text to write for a picture.

    Args:
        path: the PNG.
        environment: variables of the process, which name the terminal.
        terminal: True if standard output is a terminal.

    Returns:
        The terminal's own code for the picture and its path, or a link that most terminals open with a click.
    """
    protocol = _protocol(environment) if terminal else None
    if protocol is None:
        return path.absolute().as_uri() if terminal else str(path)
    return f"{protocol(path.read_bytes())}\n{path}"


def _protocol(environment: Mapping[str, str]) -> Callable[[bytes], str] | None:
    if "TMUX" in environment or environment.get("TERM", "").startswith("screen"):
        return None  # a multiplexer drops the codes of both
    if environment.get("TERM_PROGRAM") in _ITERM or "WEZTERM_PANE" in environment:
        return _iterm
    names = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "KITTY_WINDOW_ID" in environment or any(kind in name for kind in _KITTY for name in names):
        return _kitty
    return None


def _iterm(png: bytes) -> str:
    data = base64.b64encode(png).decode("ascii")
    return f"\x1b]1337;File=inline=1;size={len(png)};preserveAspectRatio=1:{data}\a"


def _kitty(png: bytes) -> str:
    """Return the picture in pieces, as the protocol demands. Each piece but the last says that more follow."""
    data = base64.standard_b64encode(png).decode("ascii")
    pieces = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    keys = ["a=T,f=100", *[""] * (len(pieces) - 1)]
    more = [1] * (len(pieces) - 1) + [0]
    return "".join(
        f"\x1b_G{','.join(filter(None, (key, f'm={flag}')))};{piece}\x1b\\"
        for key, flag, piece in zip(keys, more, pieces, strict=True)
    )


def wrap(line: str, width: int) -> list[str]:
    """Return a line, broken between words to a width, with later parts indented more.

    A line that shows what the student's code has printed is not broken; with a width of 0 no line is.
    """
    indent = " " * (len(line) - len(line.lstrip()))
    if not width or len(line) <= width or line.lstrip().startswith("|"):
        return [line]
    later = indent + "    " if len(indent) + 24 < width else indent
    return textwrap.wrap(
        line.lstrip(),
        width,
        initial_indent=indent,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


#: Styles of lines by their first letter.
_STYLES = {"+": "green", ">": "bold", "x": "red", "|": "dim"}


class Terminal:
    """Writer to the student's terminal. It keeps the standard output that it was made with, as checks may replace it later."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, file=sys.stdout)

    def say(self, lines: Iterable[str], *, code: bool = False) -> None:
        """Print lines. On a terminal they are broken between words, so that no path is cut in two.

        Args:
            lines: to print; brackets in them are no markup.
            code: True for lines of Python, which are not broken.
        """
        width = self._console.width if self._console.is_terminal and not code else 0
        for line in lines:
            style = _STYLES.get(line.lstrip()[:1], "")
            for part in wrap(line, width):
                self._console.print(Text(part, style), soft_wrap=True)

    def show(self, picture: Path) -> None:
        """Show a picture, or a link to it."""
        terminal = self._console.is_terminal
        self._console.file.write(picture_text(picture, os.environ, terminal=terminal) + "\n")
        self._console.file.flush()

    def clear(self) -> None:
        """Clear the screen, if this is a terminal."""
        self._console.clear()


KEYS = "h hint   l list   r reset   s solution   d diff   Enter again   q quit"
_BAR = 30
_WAITING = (Outcome.BLOCKED, Outcome.NOT_RUN)
#: Outcomes of the check that ran when the process of the run ended.
_ENDS_OF_PROCESSES = (Outcome.CRASHED, Outcome.TIMED_OUT)


def run_lines(catalog: Catalog, progress: Progress, run: WatchedRun, shown: str = "") -> Iterator[str]:
    """Yield the lines for a run of a unit.

    Args:
        catalog: the course.
        progress: the student's.
        run: the results.
        shown: the function to show in full, unless it passes; by default the first that is open.
    """
    unit = catalog.units[run.unit]
    yield bar(catalog, progress)
    yield f"{tr(unit.title)}: {checks_points_line(list(run.checks.values()), unit.to_come)}"
    groups = _by_function(unit, run)
    shown = _function_in_full(unit, run, shown)
    for function, checks in groups.items():
        if _passes(checks):
            yield f"  + {function}: {_worth(catalog, checks)}"
        elif function != shown:
            yield f"  - {function}: {_short_text(catalog, checks)}"
        else:
            yield from _full_lines(catalog, run, checks)
    yield ""


def _function_in_full(unit: Unit, run: WatchedRun, wanted: str) -> str:
    """Return the function to show in full: the wanted or the first open one, or what ended the run if that was not run."""
    groups = _by_function(unit, run)
    chosen = wanted if wanted in groups and not _passes(groups[wanted]) else first_open(unit, run)
    if not run.broken or any(check.outcome is not Outcome.NOT_RUN for check in groups.get(chosen, [])):
        return chosen
    ended = (check.function for check in run.checks.values() if check.outcome in _ENDS_OF_PROCESSES)
    return next(ended, chosen)


def bar(catalog: Catalog, progress: Progress) -> str:
    """Return the bar of the student's progress over the whole course."""
    total = sum(len(checked_functions(catalog, unit)) for unit in catalog.units.values())
    done = total - sum(len(progress.open_functions(catalog, unit)) for unit in catalog.units.values())
    filled = _BAR * done // max(total, 1)
    return f"{catalog.title} [{'#' * filled}{'-' * (_BAR - filled)}] " + tr(
        "{done} of {total} functions", done=done, total=total
    )


def running_lines(catalog: Catalog, run: WatchedRun | None, running: str, shown: str) -> Iterator[str]:
    """Yield the lines for a run that has not ended after a second.

    Args:
        catalog: the course.
        run: the results so far; None while the process still starts.
        running: the id of the check that runs.
        shown: the function to show in full if all its checks have ended; empty for none.
    """
    if run is None or running not in run.checks:
        yield tr("Loading the libraries of the course ...")
        return
    ended = [check for check in run.checks.values() if check.outcome is not Outcome.NOT_RUN]
    checks = _by_function(catalog.units[run.unit], run).get(shown, [])
    if checks and all(check in ended for check in checks):
        yield from (
            [f"  + {shown}: {_worth(catalog, checks)}"] if _passes(checks) else _full_lines(catalog, run, checks)
        )
    function = run.checks[running].function
    yield tr(
        "{done} of {count} checks done; {function} runs ...", done=len(ended), count=len(run.checks), function=function
    )


def _passes(checks: list[CheckResult]) -> bool:
    return all(check.outcome is Outcome.PASSED for check in checks)


def first_open(unit: Unit, run: WatchedRun) -> str:
    """Return the first function in teaching order with a check that does not pass; empty if all pass."""
    for function, checks in _by_function(unit, run).items():
        if not _passes(checks):
            return function
    return ""


def _by_function(unit: Unit, run: WatchedRun) -> dict[str, list[CheckResult]]:
    checks = {name: [check for check in run.checks.values() if check.function == name] for name in unit.functions}
    return {name: group for name, group in checks.items() if group}


def _full_lines(catalog: Catalog, run: WatchedRun, checks: list[CheckResult]) -> Iterator[str]:
    function = checks[0].function
    where = standing.place(catalog, run.unit, function)
    outcomes = {check.outcome for check in checks}
    if outcomes == {Outcome.NOT_RUN}:
        yield f"  - {function}: {_short_text(catalog, checks)}"
        return
    if outcomes <= {Outcome.NOT_WRITTEN, Outcome.NOT_RUN}:
        yield "  > " + tr("{function} is next: write it in {where}", function=function, where=where)
        return
    decisive = [check for check in checks if check.outcome not in _WAITING]
    worth = _worth(catalog, checks)
    yield "  x " + tr("{function}: {points}, in {where}", function=function, points=worth, where=where)
    _, *lines = function_lines(decisive or checks, set(), verbose=False, printed=True)
    yield from (f"  {line}" for line in lines)
    if decisive and len(decisive) < len(checks):
        waiting = len(checks) - len(decisive)
        yield "    ~ " + tr_plural("{count} more check waits for that", "{count} more checks wait for that", waiting)


def _worth(catalog: Catalog, checks: list[CheckResult]) -> str:
    """Return the points of all checks of a function with their maximum, and the points that only grading gives."""
    return checks_points_line(checks, catalog.units[checks[0].unit].functions[checks[0].function].to_come)


def _short_text(catalog: Catalog, checks: list[CheckResult]) -> str:
    outcomes = {check.outcome for check in checks}
    if outcomes == {Outcome.NOT_WRITTEN}:
        return tr("not written yet")
    if outcomes == {Outcome.NOT_RUN}:
        return tr("not run yet")
    failed = sum(check.outcome is not Outcome.PASSED for check in checks)
    worth = _worth(catalog, checks)
    return tr("{points}, {failed} of {count} checks open", points=worth, failed=failed, count=len(checks))
