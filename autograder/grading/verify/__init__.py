"""The grader graded: does the course catch what is wrong, let pass what is right, and give nothing away?

Each question below is answered by handing in modules and looking at what the checks say: skeletons, solutions on many seeds,
solutions with one known mistake, and mutants of the solutions.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.checks.diagnose import Mistake, known_mistakes
from autograder.course.catalog import Catalog, Unit
from autograder.course.skeletons import solution_lines
from autograder.grading.verify.mutants import Mutant, mutants_of
from autograder.grading.verify.trials import Judge, Trial, judging
from autograder.results.types import CheckResult, Outcome
from autograder.submissions import Module

#: A mutant that loops for ever is dead after this long; a right answer needs milliseconds.
MUTANT_SECONDS = 2.0
#: The share of the mutants that must be killed. The rest are listed: most of them change nothing that can be seen.
MUTANTS_KILLED = 0.95

__all__ = ["Finding", "Mutant", "Trial", "Verification", "judging"]

_UNMARKED = "def mistake(*_):\n    return lambda function: function\n"
_MARKED = "from autograder.diagnose import mistake\n"


@dataclass(frozen=True)
class Finding:
    """The answer to one question.

    Attributes:
        question: in a few words.
        good: whether the answer is as it must be.
        summary: the answer in figures.
        problems: what is wrong, one line each; of mutants, those that survived.
    """

    question: str
    good: bool
    summary: str
    problems: tuple[str, ...] = ()


@dataclass
class Verification:
    """All questions about some units of a course, answered one after another.

    Args:
        catalog: the course.
        units: those to verify.
        judge: what gives the checks of trials; see `judging`.
        seeds: on how many the solutions must pass.
        progress: called with what is being done and how many trials that takes, then once for each trial.
    """

    catalog: Catalog
    units: Sequence[Unit]
    judge: Judge
    seeds: int = 20
    progress: Callable[[str, int], Callable[[], None]] = lambda *_: lambda: None
    _killed: set[str] = field(default_factory=set)
    _known: dict[str, CheckResult] = field(default_factory=dict)

    def findings(self) -> Iterator[Finding]:
        """The answers, as they come."""
        for question in (self.course, self.skeletons, self.solutions, self.mistakes, self.mutants, self.checks):
            yield question()

    def course(self) -> Finding:
        """Hints, lessons, docstrings and regions are there, and no solution is in a skeleton."""
        problems = [problem for unit in self.units for problem in _shortcomings(self.catalog, unit)]
        count = sum(len(unit.functions) for unit in self.units)
        return Finding("course", not problems, f"{len(self.units)} units, {count} functions", tuple(problems))

    def skeletons(self) -> Finding:
        """Each skeleton imports, and no check of it does anything but say `not written`."""
        trials = [Trial(unit.name, _text(self.catalog.exercise(unit.name))) for unit in self.units]
        problems = [
            f"{check.id}: {check.outcome} on the skeleton {check.message}"
            for checks in self._judge("Skeletons", trials)
            for check in checks
            if check.outcome is not Outcome.NOT_WRITTEN
        ]
        return Finding("skeletons", not problems, f"{len(trials)} import and fail every check", tuple(problems))

    def solutions(self) -> Finding:
        """Each solution passes every check on every seed; and points add up."""
        texts = {unit.name: _text(self.catalog.solution(unit.name)) for unit in self.units}
        trials = [Trial(unit, text, f"seed {i}") for i in range(self.seeds) for unit, text in texts.items()]
        problems = []
        for trial, checks in zip(trials, self._judge("Solutions", trials), strict=True):
            self._known |= {check.id: check for check in checks}
            problems += [f"{c.id} on {trial.seed}: {c.message}" for c in checks if c.outcome is not Outcome.PASSED]
        problems += [problem for unit in self.units for problem in self._uneven_points(unit)]
        summary = f"{len(self.units)} pass all {len(self._known)} checks on {self.seeds} seeds"
        return Finding("solutions", not problems, summary, tuple(problems))

    def mistakes(self) -> Finding:
        """Each known mistake is caught by a check of its function, named, and costs nothing else."""
        known = [(unit.name, each) for unit in self.units for each in known_mistakes(self.catalog.mistakes(unit.name))]
        first = {(unit, each.function): each for unit, each in reversed(known)}
        trials = [self._mistake_trial(unit, each, whole=each is first[unit, each.function]) for unit, each in known]
        problems = []
        for (unit, each), checks in zip(known, self._judge("Known mistakes", trials), strict=True):
            self._note_killed(checks)
            problems += [f"{unit}, {each.name}: {problem}" for problem in self._misjudged(unit, each, checks)]
        return Finding("mistakes", not problems, f"{len(known)} caught and named", tuple(problems))

    def mutants(self) -> Finding:
        """Nearly every mutant of a solution fails some check."""
        all_mutants = [(unit.name, mutant) for unit in self.units for mutant in self._mutants(unit.name)]
        trials = [self._mutant_trial(unit, mutant) for unit, mutant in all_mutants]
        survivors = []
        for (unit, mutant), checks in zip(all_mutants, self._judge("Mutants", trials), strict=True):
            self._note_killed(checks)
            if all(check.outcome is Outcome.PASSED for check in checks):
                survivors.append(f"{unit}.py:{mutant.line} {mutant.function}: {mutant.change}")
        killed = len(trials) - len(survivors)
        share = killed / max(1, len(trials))
        summary = f"{killed} of {len(trials)} killed ({share:.1%})"
        return Finding("mutants", share >= MUTANTS_KILLED, summary, tuple(survivors))

    def checks(self) -> Finding:
        """Each check fails for some mistake or mutant: none is there in vain."""
        idle = [f"{name} is failed by no mistake and no mutant" for name in self._known if name not in self._killed]
        alive = len(self._known) - len(idle)
        return Finding(
            "checks", not idle, f"{alive} of {len(self._known)} fail for some mistake or mutant", tuple(idle)
        )

    def _judge(self, what: str, trials: Sequence[Trial]) -> Iterator[tuple[CheckResult, ...]]:
        done = self.progress(what, len(trials))
        for checks in self.judge(trials):
            done()
            yield checks

    def _note_killed(self, checks: Iterable[CheckResult]) -> None:
        alive = (Outcome.PASSED, Outcome.BLOCKED, Outcome.NOT_RUN)
        self._killed |= {check.id for check in checks if check.outcome not in alive}

    def _uneven_points(self, unit: Unit) -> Iterator[str]:
        for function in unit.functions.values():
            own = [
                check for check in self._known.values() if (check.unit, check.function) == (unit.name, function.name)
            ]
            points = sum(check.max_points for check in own)
            if points != function.points:
                yield f"{unit.name}, {function.name}: {function.points:g} points in the catalog, {points:g} in its checks"

    def _mistake_trial(self, unit: str, mistake: Mistake, *, whole: bool) -> Trial:
        """The solution but for a mistake. Of each function one is judged as a whole: what is right keeps its points."""
        solution, variants = _text(self.catalog.solution(unit)), _text(self.catalog.mistakes(unit))
        text = f"{solution}\n{variants.replace(_MARKED, _UNMARKED)}\n{mistake.function} = {mistake.name}\n"
        return Trial(unit, text, functions=frozenset() if whole else self._depending_on(mistake.function, unit))

    def _misjudged(self, unit: str, mistake: Mistake, checks: Sequence[CheckResult]) -> Iterator[str]:
        failed = [check for check in checks if check.function == mistake.function and check.outcome is Outcome.FAILED]
        if not failed:
            yield f"no check of {mistake.function} fails"
        elif mistake.name not in {check.mistake for check in failed}:
            yield "is not named"
        for name in {check.mistake for check in checks} - {None, mistake.name}:
            yield f"is called {name}"
        module = Module(unit, f"{unit}.py", _text(self.catalog.solution(unit)))
        for check in checks:
            apart = check.function != mistake.function and mistake.function not in module.used_by(check.function)
            if apart and check.outcome is not Outcome.PASSED:
                yield f"costs {check.id}, which has nothing to do with it"

    def _mutants(self, unit: str) -> list[Mutant]:
        source = _text(self.catalog.solution(unit))
        functions = self.catalog.units[unit].functions.values()
        judged = {function.name for function in functions if not function.outcome}
        module = Module(unit, f"{unit}.py", source)
        used = judged.union(*(module.used_by(name) for name in judged))
        defined = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
        return list(mutants_of(source, free=defined - used))

    def _mutant_trial(self, unit: str, mutant: Mutant) -> Trial:
        """Judged by the checks of the function that was changed, or of those that use it."""
        own = frozenset({mutant.function}) & self.catalog.units[unit].functions.keys()
        functions = own or self._depending_on(mutant.function, unit)
        return Trial(unit, mutant.text, functions=functions, until_failure=True, seconds=MUTANT_SECONDS)

    def _depending_on(self, name: str, unit: str) -> frozenset[str]:
        """The functions of a unit whose solutions use a function, itself included."""
        module = Module(unit, f"{unit}.py", _text(self.catalog.solution(unit)))
        return frozenset(
            each for each in self.catalog.units[unit].functions if each == name or name in module.used_by(each)
        )


def _shortcomings(catalog: Catalog, unit: Unit) -> Iterator[str]:
    solution = _text(catalog.solution(unit.name))
    documented = {
        node.name for node in ast.parse(solution).body if isinstance(node, ast.FunctionDef) and ast.get_docstring(node)
    }
    for function in unit.functions.values():
        if function.name not in documented:
            yield f"{unit.name}, {function.name}: the solution has no such function, or it has no docstring"
        if len(function.hints) != 2 or not all(function.hints):
            yield f"{unit.name}, {function.name}: needs two hints in the catalog"
    lesson = catalog.lesson(unit.name)
    if not lesson.is_file():
        yield f"{unit.name}: there is no lesson {lesson.name}"
    leaked = solution_lines(solution) & _code_lines(_text(catalog.exercise(unit.name)))
    for line in sorted(leaked):
        yield f"{unit.name}: the skeleton holds a line of the solution: {line}"


def _code_lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
