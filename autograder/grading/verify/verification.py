"""The questions that are put to a course, and their answers."""

import ast
import json
import math
import random
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.checks.mistakes import Mistake, known_mistakes, mixed_texts, variant_text
from autograder.course.catalog import Catalog
from autograder.course.skeletons import read_source, whole_solution
from autograder.course.units import Unit
from autograder.grading.verify.authoring import check_problems, concerns, shortcomings
from autograder.grading.verify.mutants import Mutant, mutants_of, read_survivors
from autograder.grading.verify.trials import WAYS, RunTrials, Trial, nothing_text, points_earned
from autograder.grading.verify.validity import RIGHT, WRONG, NamedMixtures, Validity, Verdicts, verdict
from autograder.results.formats.pages import validity_page
from autograder.results.types import CheckResult, Outcome, SubmissionResult, points_text
from autograder.submissions import Module

#: The share of the mutants that must be killed. Each survivor must be listed in `solutions/survivors.toml`, with its reason.
MUTANTS_KILLED = 0.98
#: So many mixtures of a function are tried, drawn from all of them.
MIXTURES_TRIED = 40
#: On so many of the seeds known mistakes are named: it takes half the time, and a name depends on the code, not on the draw.
NAMED_SEEDS = 3
#: The questions by name, in their order.
QUESTIONS = (
    *("course", "skeletons", "solutions", "modules", "nothing", "shortcuts"),
    *("mistakes", "mixtures", "mutants", "checks"),
)
#: What an author does about a survivor: its unit, function and change, as keys of TOML.
_SURVIVORS = (
    'each needs a check that catches it, or a reason in solutions/survivors.toml: [{}.{}], and below {} = "why"'
)
#: Questions whose answer counts on that of others.
_NEEDED = {"checks": ("solutions", "mistakes", "mutants")}


@dataclass(frozen=True)
class Finding:
    """The answer to one question.

    Attributes:
        question: in a few words.
        good: True if the answer is as it must be.
        summary: the answer in figures.
        problems: what is wrong, one line each; for mutants, the survivors.
        details: figures by unit, one line each.
    """

    question: str
    good: bool
    summary: str
    problems: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


@dataclass
class Verification:
    """All questions about some units of a course, answered one after another.

    Args:
        catalog: the course.
        units: those to verify.
        run_trials: runs the checks of trials; see `open_benches`.
        seeds: on how many the solutions must pass, and the mistakes lose the same points.
        right: a folder with right modules of one's own, `<unit>.py` anywhere in it.
        wrong: a folder with wrong ones.
        only: the questions to answer, with those that they need; all of `QUESTIONS` if empty.
        progress: called with what is being done and how many trials that takes, then once for each trial.
    """

    catalog: Catalog
    units: Sequence[Unit]
    run_trials: RunTrials
    seeds: int = 20
    right: Path | None = None
    wrong: Path | None = None
    only: Collection[str] = ()
    progress: Callable[[str, int], Callable[[], None]] = lambda *_: lambda: None
    _killed: set[str] = field(default_factory=set)
    _known: dict[str, CheckResult] = field(default_factory=dict)
    _verdicts: Verdicts = field(default_factory=Verdicts)

    def findings(self) -> Iterator[Finding]:
        """Yield the answers as they come."""
        chosen = {*self.only, *(needed for name in self.only for needed in _NEEDED.get(name, ()))}
        answers: dict[str, Callable[[], Finding]] = {name: getattr(self, name) for name in QUESTIONS}
        yield from (answer() for name, answer in answers.items() if name in chosen or not chosen)

    def report(self, facts: str) -> str:
        """Return the page that shows how true the marks are; `facts` is a sentence about this run."""
        return validity_page(self.catalog.title, self.validity(), facts, {"right": RIGHT, "wrong": WRONG})

    def validity(self) -> Validity:
        """Return how true the marks are, by all that was handed in for the findings so far."""
        return self._verdicts.validity(self.units, {name: check.max_points for name, check in self._known.items()})

    def course(self) -> Finding:
        """Ask if hints, lessons, docstrings and regions are there, and no solution is in a skeleton."""
        problems = [problem for unit in self.units for problem in shortcomings(self.catalog, unit)]
        problems += [problem for unit in self.units for problem in check_problems(self.catalog, unit)]
        count = sum(len(unit.functions) for unit in self.units)
        return Finding("course", not problems, f"units: {len(self.units)}, functions: {count}", tuple(problems))

    def skeletons(self) -> Finding:
        """Ask if each skeleton imports, and every check of it ends as `not written`."""
        trials = [self._trial(unit.name, self.catalog.exercise(unit.name), named=False) for unit in self.units]
        problems = [
            f"{check.id}: {check.outcome} on the skeleton {check.message}"
            for checks in self._run("Skeletons", trials)
            for check in checks
            if check.outcome is not Outcome.NOT_WRITTEN
        ]
        return Finding("skeletons", not problems, f"{len(trials)} import and fail every check", tuple(problems))

    def solutions(self) -> Finding:
        """Ask if each solution passes every check on every seed, and points add up."""
        first = [self._trial(unit.name, self.catalog.solution(unit.name), named=False) for unit in self.units]
        trials = [replace(trial, seed=f"seed {i}") for i in range(self.seeds) for trial in first]
        problems = []
        for trial, checks in zip(trials, self._run("Solutions", trials), strict=True):
            self._known |= {check.id: check for check in checks}
            self._note_right("solution", trial.unit, trial.unit, checks)
            problems += [f"{c.id} on {trial.seed}: {c.message}" for c in checks if c.outcome is not Outcome.PASSED]
        problems += [problem for unit in self.units for problem in self._uneven_points(unit)]
        summary = f"{len(self.units)} pass all {len(self._known)} checks on {self.seeds} seeds"
        return Finding("solutions", not problems, summary, tuple(problems))

    def modules(self) -> Finding:
        """Ask if other right modules keep all points, and wrong ones of one's own lose some."""
        names = [unit.name for unit in self.units]
        cases = [("alternative", unit, path) for unit in names for path in self.catalog.alternatives(unit)]
        for kind, folder in (("given as right", self.right), ("given as wrong", self.wrong)):
            cases += (
                [(kind, unit, path) for unit in names for path in sorted(folder.rglob(f"{unit}.py"))] if folder else []
            )
        trials = [self._trial(unit, path) for _, unit, path in cases]
        problems, named, wrong = [], 0, 0
        for (kind, unit, path), checks in zip(cases, self._run("Modules", trials), strict=True):
            written = [check for check in checks if check.outcome is not Outcome.NOT_WRITTEN]
            lost = [each for each in written if each.points < each.max_points or each.outcome is not Outcome.PASSED]
            if kind != "given as wrong":
                self._note_right(kind, unit, str(path), written)
                problems += [f"{path}: {check.id}: {check.message}" for check in lost]
                continue
            wrong, named = wrong + bool(lost), named + any(check.mistake for check in lost)
            functions = list(dict.fromkeys(check.function for check in lost or written))
            if lost or len(functions) == 1:
                self._verdicts.add(verdict(kind, unit, functions[0], str(path), checks))
            if not lost:
                problems.append(f"{path}: keeps all points of what it has")
        summary = f"{len(cases)} alternatives and modules of one's own"
        summary += f"; of {wrong} wrong ones that lose points {named} are named" if wrong else ""
        return Finding("modules", not problems, summary, tuple(problems))

    def nothing(self) -> Finding:
        """Ask if a function that does nothing earns no point, whatever it returns or raises."""
        cases = [(unit.name, name, way) for unit in self.units for name in unit.functions for way in WAYS]
        trials = [
            Trial(
                unit,
                nothing_text(whole_solution(self.catalog, unit), name, way),
                functions=frozenset({name}),
                named=False,
            )
            for unit, name, way in cases
        ]
        problems: list[str] = []
        for (unit, name, way), checks in zip(cases, self._run("Nothing", trials), strict=True):
            self._verdicts.add(verdict("nothing", unit, name, way, checks))
            problems += points_earned(f"{unit}, {name} that {way}", name, checks)
        return Finding(
            "nothing", not problems, f"{len(trials)} functions that do nothing earn nothing", tuple(problems)
        )

    def shortcuts(self) -> Finding:
        """Ask if each known shortcut, in `solutions/shortcuts/<unit>.py`, earns no point of its function."""
        files = {unit.name: self.catalog.shortcuts(unit.name) for unit in self.units}
        known = [(unit, each) for unit, file in files.items() for each in known_mistakes(file)]
        trials = [
            Trial(
                unit,
                variant_text(whole_solution(self.catalog, unit), files[unit], each),
                functions=frozenset({each.function}),
                named=False,
            )
            for unit, each in known
        ]
        problems: list[str] = []
        for (unit, each), checks in zip(known, self._run("Shortcuts", trials), strict=True):
            self._verdicts.add(verdict("shortcut", unit, each.function, each.name, checks))
            problems += points_earned(f"{unit}, {each.name}", each.function, checks)
        summary = f"{len(known)} earn nothing" if known else "none are known"
        return Finding("shortcuts", not problems, summary, tuple(problems))

    def mistakes(self) -> Finding:
        """Ask if each known mistake is caught by a check of its function and costs the same on every seed.

        On the first `NAMED_SEEDS` it must be named, too.
        """
        files = {unit.name: self.catalog.mistakes(unit.name) for unit in self.units}
        known = [(unit, each) for unit, file in files.items() for each in known_mistakes(file)]
        first = {(unit, each.function): each for unit, each in reversed(known)}
        cases, trials = [], []
        for unit, each in known:
            text = variant_text(whole_solution(self.catalog, unit), files[unit], each)
            for i in range(self.seeds):
                # One mistake in each function is graded as a whole: what is right keeps its points.
                whole = not i and each is first[unit, each.function]
                functions = frozenset({each.function}) if i else self._depending_on(each.function, unit)
                cases.append((unit, each, i))
                chosen = frozenset[str]() if whole else functions
                trials.append(Trial(unit, text, f"seed {i}", chosen, named=i < NAMED_SEEDS))
        problems: dict[tuple[str, str, str], str] = {}  # each once, with the first seed that shows it
        points: dict[tuple[str, str], float] = {}
        for (unit, each, i), checks in zip(cases, self._run("Known mistakes", trials), strict=True):
            self._note_killed(checks)
            self._verdicts.add(verdict("known mistake", unit, each.function, each.name, checks))
            found = list(self._wrong_verdicts(each, checks))
            found += self._wrong_names(each, checks) if i < NAMED_SEEDS else ()
            earned = sum(check.points for check in checks if check.function == each.function)
            usual = points.setdefault((unit, each.name), earned)
            if earned != usual and not each.varies:
                found.append(f"earns {points_text(earned)} points, and {points_text(usual)} on seed 0")
            where = f"{unit}, {each.name}{f' on seed {i}' if i else ''}"
            for problem in found:
                problems.setdefault((unit, each.name, problem), f"{where}: {problem}")
        summary = f"{len(known)} caught on {self.seeds} seeds, and named on {min(self.seeds, NAMED_SEEDS)}"
        return Finding("mistakes", not problems, summary, tuple(problems.values()))

    def mixtures(self) -> Finding:
        """Ask if two known mistakes made at once are named: one of them, or both, and no other.

        Of a function with many mixtures a sample is tried, the same each time.
        """
        cases = [case for unit in self.units for case in self._mixtures_tried(unit)]
        trials = [Trial(unit, text, functions=frozenset({function})) for unit, function, _, text in cases]
        counts = {unit.name: NamedMixtures() for unit in self.units}
        problems = []
        for (unit, function, pair, _), result in zip(cases, self._grade("Mixtures", trials), strict=True):
            named = {name for check in result.checks for name in (check.mistake or "").split(" + ") if name}
            if not any(check.outcome is Outcome.FAILED for check in result.checks):
                continue  # the two mistakes undo each other
            counts[unit].add(named, pair, result.seconds)
            if not named <= set(pair):
                problems.append(f"{unit}, {function}: {' and '.join(pair)} is called {', '.join(sorted(named))}")
        all_counts = sum(counts.values(), NamedMixtures())
        return Finding(
            "mixtures",
            all_counts.good,
            str(all_counts) if cases else "no two can be merged",
            tuple(problems),
            tuple(f"{unit}: {count}" for unit, count in counts.items() if count.seconds),
        )

    def _mixtures_tried(self, unit: Unit) -> Iterator[tuple[str, str, tuple[str, str], str]]:
        """Yield the unit, the function, the names of both mistakes, and the text of each mixture to try."""
        for function in unit.functions:
            texts = mixed_texts(whole_solution(self.catalog, unit.name), self.catalog.mistakes(unit.name), function)
            pairs = sorted(texts)
            for pair in random.Random(function).sample(pairs, min(len(pairs), MIXTURES_TRIED)):
                yield unit.name, function, pair, texts[pair]

    def mutants(self) -> Finding:
        """Ask if nearly every mutant of a solution fails some check, and each survivor is listed with its reason."""
        all_mutants = [(unit.name, *found) for unit in self.units for found in self._mutants(unit.name)]
        trials = [self._mutant_trial(*found) for found in all_mutants]
        reasons = read_survivors(self.catalog.root / "solutions" / "survivors.toml")
        survivors: dict[tuple[str, str, str], list[str]] = {}
        judged = zip(all_mutants, self._run("Mutants", trials), strict=True)
        for number, ((unit, module, mutant), checks) in enumerate(judged):
            self._note_killed(checks)
            function = next((check.function for check in checks if not check.points), mutant.function)
            name = f"{number} (line {mutant.line}: {mutant.change})"
            if (unit, mutant.function, mutant.change) not in reasons:
                self._verdicts.add(verdict("mutant", unit, function, name, checks))
            if all(check.outcome is Outcome.PASSED for check in checks):
                line = f"{module}.py:{mutant.line} {mutant.function}: {mutant.change}"
                survivors.setdefault((unit, mutant.function, mutant.change), []).append(line)
        names = {unit.name for unit in self.units}
        problems = [f"{line} survives" for key, lines in survivors.items() if key not in reasons for line in lines]
        problems += [
            f"survivors.toml: {': '.join(key)} does not survive"
            for key in reasons
            if key[0] in names and key not in survivors
        ]
        killed = len(trials) - sum(map(len, survivors.values()))
        share = killed / len(trials) if trials else 1.0
        explained = sum(len(lines) for key, lines in survivors.items() if key in reasons)
        summary = f"{killed} of {len(trials)} killed ({share:.1%}), and {explained} survive for a known reason"
        advice = tuple(_SURVIVORS.format(*map(_toml_key, key)) for key in survivors if key not in reasons)[:1]
        return Finding("mutants", share >= MUTANTS_KILLED and not problems, summary, tuple(problems), advice)

    def checks(self) -> Finding:
        """Ask if each check fails for some mistake or mutant, so that none is useless."""
        idle = [f"{name} is failed by no mistake and no mutant" for name in self._known if name not in self._killed]
        alive = len(self._known) - len(idle)
        return Finding(
            "checks", not idle, f"{alive} of {len(self._known)} fail for some mistake or mutant", tuple(idle)
        )

    def _trial(self, unit: str, path: Path, *, named: bool = True) -> Trial:
        """Return a trial of a file, with the unit's other files that lie beside it."""
        return Trial(unit, read_source(path), named=named, files=self.catalog.beside(unit, path))

    def _run(self, what: str, trials: Sequence[Trial]) -> Iterator[tuple[CheckResult, ...]]:
        """Yield the checks of each trial."""
        return (result.checks for result in self._grade(what, trials))

    def _grade(self, what: str, trials: Sequence[Trial]) -> Iterator[SubmissionResult]:
        done = self.progress(what, len(trials))
        for result in self.run_trials(trials):
            done()
            yield result

    def _note_killed(self, checks: Iterable[CheckResult]) -> None:
        alive = (Outcome.PASSED, Outcome.BLOCKED, Outcome.NOT_RUN)
        self._killed |= {check.id for check in checks if check.outcome not in alive}

    def _note_right(self, kind: str, unit: str, name: str, checks: Sequence[CheckResult]) -> None:
        for function in dict.fromkeys(check.function for check in checks):
            self._verdicts.add(verdict(kind, unit, function, name, checks))

    def _uneven_points(self, unit: Unit) -> Iterator[str]:
        for function in unit.functions.values():
            own = [
                check for check in self._known.values() if (check.unit, check.function) == (unit.name, function.name)
            ]
            points = math.fsum(check.max_points for check in own)
            if not math.isclose(points, function.points, abs_tol=1e-9):  # three tenths are not 0.3 in binary
                two = f"{points_text(function.points)} points in the catalog, {points_text(points)} in its checks"
                yield f"{unit.name}, {function.name}: {two}"

    def _wrong_verdicts(self, mistake: Mistake, checks: Sequence[CheckResult]) -> Iterator[str]:
        failed = [check for check in checks if check.function == mistake.function and check.outcome is Outcome.FAILED]
        if not failed:
            yield f"no check of {mistake.function} fails"
        for check in checks:
            if check.outcome is not Outcome.PASSED and not concerns(self.catalog, check, mistake.function):
                yield f"costs {check.id}, which has nothing to do with it"

    @staticmethod
    def _wrong_names(mistake: Mistake, checks: Sequence[CheckResult]) -> Iterator[str]:
        failed = [check for check in checks if check.function == mistake.function and check.outcome is Outcome.FAILED]
        if failed and mistake.name not in {check.mistake for check in failed}:
            endless = any("RecursionError" in check.message for check in failed)
            advice = f": it stands in the place of {mistake.function} and calls that, which is itself; write it out"
            yield f"is not named{advice if endless else ''}"
        for name in {check.mistake for check in checks} - {None, mistake.name}:
            yield f"is called {name}"

    def _mutants(self, unit: str) -> list[tuple[str, Mutant]]:
        """Return the mutants of each file of a unit's solution, with the file's module."""
        source = whole_solution(self.catalog, unit)
        functions = self.catalog.units[unit].functions.values()
        judged = {function.name for function in functions if not function.outcome}
        module = Module(unit, f"{unit}.py", source)
        used = judged.union(*(module.used_by(name) for name in judged))
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        defined = {node.name for node in ast.parse(source).body if isinstance(node, kinds)}
        texts = self.catalog.solutions(unit).items()
        return [(name, mutant) for name, text in texts for mutant in mutants_of(text, free=defined - used)]

    def _mutant_trial(self, unit: str, changed: str, mutant: Mutant) -> Trial:
        """Run a mutant on the checks of the function that was changed, or of those that use it."""
        own = frozenset({mutant.function}) & self.catalog.units[unit].functions.keys()
        functions = own or self._depending_on(mutant.function, unit)
        files = {**self.catalog.solutions(unit), changed: mutant.text}
        text = files.pop(unit)
        return Trial(unit, text, "verify", functions, until_failure=True, named=False, files=files)

    def _depending_on(self, name: str, unit: str) -> frozenset[str]:
        """Return the functions of a unit whose solutions use a function, itself included."""
        module = Module(unit, f"{unit}.py", whole_solution(self.catalog, unit))
        return frozenset(
            each for each in self.catalog.units[unit].functions if each == name or name in module.used_by(each)
        )


def _toml_key(text: str) -> str:
    """Return a text as a key of TOML, in quotes unless it is a plain name: a string of JSON is one of TOML."""
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else json.dumps(text, ensure_ascii=False)
