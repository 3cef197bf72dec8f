"""Make the calls of a check again on the variants of its function: the solution, known mistakes, and what is made of them."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from autograder.checks.call import Call, ModuleUnderTest
from autograder.checks.common_mistakes import CommonMistake, common_mistakes
from autograder.checks.mistakes import known_mistakes, variant_text, variants_text, with_more
from autograder.checks.mixtures import mixed_names, mixtures
from autograder.checks.remote import StudentModule
from autograder.checks.replays import CheckCalls, callable_of, replays
from autograder.checks.transport import InProcess
from autograder.course.catalog import Catalog
from autograder.course.skeletons import imported_solutions, join_files
from autograder.submissions import Module
from autograder.worker.restorer import restorer


@dataclass(frozen=True)
class Replayer:
    """Means to make the calls of a check again on another module, in this process.

    Attributes:
        seconds: the limit for each call.
        data: files that the unit's code reads, by their paths beside it.
        others: sources of other modules that the module imports, by name.
    """

    seconds: float
    data: Mapping[str, Path] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)

    def replays(self, asked: CheckCalls, calls: Sequence[Call], module: Module) -> Iterator[Call]:
        """Yield calls as a module answers them, in order and in one worker, as the check made them."""
        others = {name: Module(name, f"{name}.py", text) for name, text in self.others.items()}
        tested = ModuleUnderTest(module, {**others, module.unit: module}, self.seconds, data=self.data)
        with tempfile.TemporaryDirectory() if self.data else contextlib.nullcontext() as folder:
            transport = InProcess(Path(folder) if folder else None)
            try:
                yield from replays(calls, StudentModule(tested, transport, asked.seed))
            finally:  # a mistake may change settings of this process, such as that of gradients
                restorer(process=False).restore(asked.seed)


class Variants:
    """The variants of one function, each by its name, and how they answer the calls of a check.

    Args:
        function: its name.
        right: the unit's solution.
        mistakes: the unit's file of mistakes.
        replayer: makes the calls.

    Attributes:
        known: the known mistakes of the function.
        common: mistakes that any function can have, by their names.
    """

    def __init__(self, function: str, right: Module, mistakes: Path, replayer: Replayer) -> None:
        self.function = function
        self.right = right
        self.known = [known for known in known_mistakes(mistakes) if known.function == function]
        self.common: dict[str, CommonMistake] = {}
        self._mistakes = mistakes
        self._replayer = replayer
        self._text = variants_text(mistakes)
        self._wrong = replace(right, text=with_more(right.text, f"\n{self._text}"))
        self._right_answers: dict[CheckCalls, list[Call]] = {}

    @classmethod
    def of(cls, catalog: Catalog, unit: str, function: str) -> Self:
        """Return the variants of a function of a course; modules that its mistakes import are the solutions."""
        mistakes, solution = catalog.mistakes(unit), join_files(catalog.solutions(unit))
        others = imported_solutions(catalog, solution, variants_text(mistakes))
        replayer = Replayer(catalog.units[unit].seconds, catalog.data(unit), others)
        return cls(function, Module(unit, f"{unit}.py", solution), mistakes, replayer)

    def find_common(self, calls: Sequence[Call]) -> None:
        """Find the common mistakes that calls of the function may show: they are variants from now on."""
        self.common = common_mistakes(self.function, self.right.text, calls)

    @cached_property
    def mixtures(self) -> dict[tuple[str, str], str]:
        """Return sources of functions in which two known mistakes are made at once, by the names of both."""
        names = tuple(known.name for known in self.known)
        return mixtures(self.right.text, self._text, self.function, names)

    @cached_property
    def _mixtures_module(self) -> Module:
        """Return a module in which every mixture is a function."""
        return replace(self._wrong, text=with_more(self._wrong.text, "\n" + "\n".join(self.mixtures.values())))

    @cached_property
    def _program_texts(self) -> dict[str, str]:
        """Return sources by mistake: a program runs its functions by itself, so the variant has the function's own name."""
        return {known.name: variant_text(self.right.text, self._mistakes, known) for known in self.known}

    def can_answer(self, variant: str, asked: CheckCalls) -> bool:
        """Return True if a variant can answer these calls: only a known mistake can be run as a program."""
        return not _runs_program(asked) or variant in self._program_texts

    def replays(self, variant: str, asked: CheckCalls) -> Iterator[Call]:
        """Yield the calls as a variant answers them; none if it cannot."""
        if _runs_program(asked):
            text = self._program_texts.get(variant)
            if text is not None:
                yield from self._replayer.replays(asked, asked.calls, replace(self.right, text=text))
            return
        if variant in self.common:
            yield from self._replays_of_common(self.common[variant], asked)
            return
        module = self._wrong if len(mixed_names(variant)) == 1 else self._mixtures_module
        calls = [
            replace(call, function=variant + call.function[len(self.function) :])
            if call.on is None and callable_of(call) == self.function
            else call
            for call in asked.calls
        ]
        yield from self._replayer.replays(asked, calls, module)

    def right_answers(self, asked: CheckCalls) -> Iterator[Call]:
        """Yield the calls as the solution answers them. What has been made is kept."""
        kept = self._right_answers.setdefault(asked, [])
        yield from kept
        if len(kept) < len(asked.calls):
            for number, answer in enumerate(self._replayer.replays(asked, asked.calls, self.right)):
                if number == len(kept):
                    kept.append(answer)
                    yield answer

    def _replays_of_common(self, common: CommonMistake, asked: CheckCalls) -> Iterator[Call]:
        """Yield the calls as the solution answers them with a common mistake, which changes the function's own calls alone."""

        def concerns(call: Call) -> bool:
            return call.on is None and call.function == self.function

        if common.change is None:
            changed = [common.ask(call) if common.ask and concerns(call) else call for call in asked.calls]
            yield from self._replayer.replays(asked, changed, self.right)
            return
        answers = [*self.right_answers(asked)]
        first = next(filter(concerns, answers), None)
        for theirs, right in zip(asked.calls, answers, strict=False):
            answer = right
            if concerns(theirs):
                # The mistake may do what a student's value does not allow: then the student has not made it.
                with contextlib.suppress(RuntimeError, ValueError, TypeError, OverflowError):
                    answer = common.change(theirs, right, first or right)
            yield answer


def _runs_program(asked: CheckCalls) -> bool:
    return any(call.program for call in asked.calls)
