"""Run the checks of a unit each time its file is saved, and move on when it passes: `autograder watch`."""

import ast
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import watchfiles

from autograder.course.catalog import Catalog
from autograder.course.units import Unit
from autograder.errors import AutograderError, GraderError, UsageError
from autograder.messages import tr
from autograder.results.types import Outcome
from autograder.student import helping, standing
from autograder.student.helping import hint_lines, solution_diff, solution_text
from autograder.student.keys import Keys
from autograder.student.progress import Progress, fingerprint, read_progress, update_progress
from autograder.student.runner import (
    Deleted,
    Drawn,
    Event,
    Pressed,
    Refused,
    Report,
    Runner,
    Saved,
    StillRunning,
    WatchedRun,
)
from autograder.student.screen import KEYS, Terminal, first_open, run_lines, running_lines
from autograder.submissions.module import syntax_of, tree_or_none

#: An editor writes a file in several steps: time to wait for the next step, and for all of them.
_STEP_MS = 20
_LONGEST_MS = 200
#: Time without a result after which the student reads what is going on.
_SIGN_OF_LIFE_SECONDS = 1.0


class Saves:
    """Watcher of a folder, in a thread of its own.

    Args:
        folder: the folder; folders inside it are not watched.
        saved: called with each file that was written or deleted.
    """

    def __init__(self, folder: Path, saved: Callable[[Path], None]) -> None:
        self._folder = folder
        self._saved = saved
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Saves":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()

    def _watch(self) -> None:
        changes = watchfiles.watch(
            self._folder,
            watch_filter=None,
            step=_STEP_MS,
            debounce=_LONGEST_MS,
            stop_event=self._over,
            recursive=False,
        )
        for batch in changes:
            for path in sorted({Path(path) for _, path in batch}):
                self._saved(path)


def watch(catalog: Catalog, terminal: Terminal, unit: Unit | None = None) -> None:
    """Watch until the student quits. Begin with `unit`; by default with the first that does not pass yet."""
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    folder = catalog.root / "exercises"

    def saved(path: Path) -> None:
        unit = catalog.modules.get(path.stem) if path.suffix == ".py" else None
        if unit is not None:
            events.put(Saved(unit) if catalog.exercise(unit).exists() else Deleted(unit))

    keys = Keys(lambda key: events.put(Pressed(key)))
    with Runner(catalog.root, events.put) as runner, Saves(folder, saved), keys:
        watching = _Watching(catalog, terminal, runner, events.put)
        watching.begin(unit)
        while watching.goes_on:
            watching.handle(events.get())


class _Watching:
    """State of a watch, which reacts to events and writes to the terminal."""

    def __init__(self, catalog: Catalog, terminal: Terminal, runner: Runner, report: Report) -> None:
        self.goes_on = True
        self._catalog = catalog
        self._terminal = terminal
        self._runner = runner
        self._unit: Unit | None = None
        self._run: WatchedRun | None = None
        self._passed: Unit | None = None
        #: Unit and function that the student was asked about before a reset; None if the next key resets nothing.
        self._to_reset: tuple[str, str] | None = None
        self._progress = Progress()
        self._report = report
        self._texts = {unit: _functions_in(catalog, unit) for unit in catalog.units}
        self._changed: tuple[str, ...] = ()
        #: Units that were saved while another one ran, the latest last.
        self._pending: list[str] = []
        #: True if the next result is shown below the last one, and False if the screen is cleared before it.
        self._below = False
        #: The number of the last request, and the fingerprint of the files at that moment.
        self._requested = 0
        self._files = ""
        self._running = False

    def begin(self, unit: Unit | None) -> None:
        """Run the first unit."""
        try:
            self._progress = read_progress(self._catalog.root)
        except GraderError as error:
            self._terminal.say([str(error)])
        self._unit = unit or self._progress.next_unit(self._catalog)
        self._terminal.say(filter(None, [self._progress.note]))
        if self._unit is None:
            self._terminal.say([*standing.next_step(self._catalog, self._progress), tr(KEYS)])
        else:
            self._run_unit(self._unit.name)

    def handle(self, event: Event) -> None:
        """Handle one event. An error is printed, and the watch goes on."""
        try:
            match event:
                case Saved(unit):
                    self._take_save(unit)
                case Deleted(unit):
                    self._take_deletion(unit)
                case StillRunning(number) if self._running and number == self._requested:
                    shown = self._changed[-1] if self._changed else ""
                    self._terminal.say(running_lines(self._catalog, *self._runner.current, shown))
                case WatchedRun() if event.number == self._requested:
                    self._take_result(event)
                case Pressed(key):
                    self._handle_key(key)
                case Drawn(unit, path):
                    self._terminal.say([tr("Your picture of {unit}:", unit=unit)])
                    self._terminal.show(path)
                case Refused(reason):
                    self._running = False
                    self._terminal.say([reason])
                    self._run_pending()
        except AutograderError as error:
            self._terminal.say([str(error)])

    def _take_save(self, unit: str) -> None:
        """Run a unit that was saved, with its changed functions first. A unit that was running runs again after it."""
        before, now = self._texts[unit], _functions_in(self._catalog, unit)
        changed = tuple(name for name in self._catalog.units[unit].functions if now.get(name) != before.get(name))
        if now:
            self._texts[unit] = now
        other = self._unit.name if self._unit is not None and self._running else unit
        self._below = False
        self._pending = [each for each in (*self._pending, other) if each != unit]
        # While the file is no valid Python, and after a save without a change, the function in view stays the same.
        same = self._unit is not None and self._unit.name == unit
        self._changed = changed if now and changed else self._changed if same else ()
        self._run_unit(unit)

    def _take_deletion(self, unit: str) -> None:
        self._unit, self._run, self._changed = self._catalog.units[unit], None, ()
        file = self._catalog.exercise(unit).relative_to(self._catalog.root).as_posix()
        line = tr(
            "{file} was deleted; its skeleton comes back if you press r, or type: autograder reset {unit}",
            file=file,
            unit=unit,
        )
        self._terminal.say([line])
        self._below = self._running  # the result of the unit that still runs must not clear this line

    def _run_unit(self, unit: str) -> None:
        self._unit = self._catalog.units[unit]
        self._terminal.say([tr("Running the checks of {unit}.py ...", unit=unit)])
        self._files = fingerprint(self._catalog, unit)
        self._requested = self._runner.request(unit, self._changed)
        self._running = True
        timer = threading.Timer(_SIGN_OF_LIFE_SECONDS, self._report, [StillRunning(self._requested)])
        timer.daemon = True
        timer.start()

    def _take_result(self, run: WatchedRun) -> None:
        self._run, self._running = run, False
        unit = self._unit = self._catalog.units[run.unit]
        unsaved = self._record(run)
        if not self._below:
            self._terminal.clear()
        self._terminal.say(run_lines(self._catalog, self._progress, run, self._changed_and_open(run)))
        self._terminal.say(filter(None, [unsaved]))
        if not first_open(unit, run):
            self._move_on(unit, self._progress)
        self._terminal.say([tr(KEYS)])
        self._run_pending()

    def _run_pending(self) -> None:
        """Run the unit that was saved last while another one ran, if there is one; its result is shown below."""
        self._below = bool(self._pending)
        if self._pending:
            self._changed = ()
            self._run_unit(self._pending.pop())

    def _record(self, run: WatchedRun) -> str:
        """Record a run in the progress. Return a sentence if it could not be stored."""
        try:
            with update_progress(self._catalog.root) as self._progress:
                self._progress.record(run.checks.values(), self._files)
        except GraderError as error:
            self._progress.record(run.checks.values(), self._files)  # in memory alone, so that it can be shown
            return tr("Your progress was not saved: {error}", error=error)
        return ""

    def _move_on(self, unit: Unit, progress: Progress) -> None:
        self._passed, self._run = unit, None
        self._unit = progress.next_unit(self._catalog)
        done = tr("{title}: done.", title=tr(unit.title))
        self._terminal.say([f"+ {done}", *standing.next_step(self._catalog, progress, watching=True)])
        self._runner.draw(unit.name)

    def _handle_key(self, key: str) -> None:
        if self._to_reset is not None:
            self._reset(key, *self._to_reset)
            return
        match key:
            case "q":
                self.goes_on = False
            case "h":
                self._terminal.say(hint_lines(self._catalog, self._function()))
            case "l":
                self._terminal.say(standing.listing(self._catalog, read_progress(self._catalog.root)))
            case "s":
                self._reveal(solution_text)
            case "d":
                self._reveal(solution_diff)
            case "r":
                self._ask_what_to_reset()
            case "\n" | "\r" | " " if self._unit is not None:
                self._run_unit(self._unit.name)
            case _:
                self._terminal.say([tr(KEYS)])

    def _reveal(self, solution_of: Callable[[Catalog, Unit, Progress], str | list[str]]) -> None:
        """Print the solution of the current unit, or of the one that has just passed, or how it differs from the student's."""
        progress = read_progress(self._catalog.root)
        shown = self._unit if self._passed is None or self._run is not None else self._passed
        if shown is not None:
            lines = solution_of(self._catalog, shown, progress)
            self._terminal.say(lines.splitlines() if isinstance(lines, str) else lines, code=True)

    def _ask_what_to_reset(self) -> None:
        if self._unit is None:
            self._terminal.say([tr("Everything passes; to reset a unit, type: autograder reset UNIT")])
            return
        unit, function = self._to_reset = self._unit.name, self._function()
        whole = tr("u the whole of {name}.py", name=unit)
        self._terminal.say(
            [tr("Reset what? f {function}   {whole}   any other key: nothing", function=function, whole=whole)]
        )

    def _reset(self, key: str, unit: str, function: str) -> None:
        """Reset what the student chose: a unit or a function that was asked about, whatever has passed meanwhile."""
        self._to_reset = None
        match key:  # a file that is reset is written, so its checks run again
            case "f":
                self._terminal.say([helping.reset(self._catalog, function, function_of=unit)])
            case "u":
                self._terminal.say([helping.reset(self._catalog, unit)])
            case _:
                self._terminal.say([tr("Nothing was reset."), tr(KEYS)])

    def _function(self) -> str:
        """Return the function to work on: the last changed one that fails, else the first open one, else the unit's first.

        Raises:
            UsageError: everything passes.
        """
        if self._unit is None:
            raise UsageError(tr("Everything passes; for a hint all the same, type: autograder hint FUNCTION"))
        found = self._changed_and_open(self._run) or first_open(self._unit, self._run) if self._run is not None else ""
        progress = read_progress(self._catalog.root)
        return found or next(iter(progress.open_functions(self._catalog, self._unit)), next(iter(self._unit.functions)))

    def _changed_and_open(self, run: WatchedRun) -> str:
        """Return the function that was changed last and does not pass; empty if there is none."""
        return next((name for name in reversed(self._changed) if not _passes(run, name)), "")


def _functions_in(catalog: Catalog, unit: str) -> dict[str, str]:
    """Return the syntax of each function and class of a unit; nothing if one of its files is missing or no valid Python."""
    try:
        found = [tree_or_none(catalog.exercise(module).read_bytes()) for module in catalog.units[unit].modules]
    except OSError:
        return {}
    trees = [tree for tree in found if tree is not None]
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    nodes = [node for tree in trees for node in tree.body if isinstance(node, kinds)]
    return {node.name: syntax_of(node) for node in nodes} if len(trees) == len(found) else {}


def _passes(run: WatchedRun, function: str) -> bool:
    return all(check.outcome is Outcome.PASSED for check in run.checks.values() if check.function == function)
