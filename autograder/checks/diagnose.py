"""Compare a wrong answer with the known mistakes of its function.

A mistake explains a failed check if it gives, for every call that the check made, just what the student's function gave,
and the solution gives something else for at least one of them. It is named only if it explains every failed check of the
function, none of the checks that passed contradicts it, and no second one does as well. If none does, mistakes that any
function can have are tried (`common_mistakes`), and then two known ones at once (`mixtures`), in the same way.

Nearly all the time goes into making the calls again. So the quickest failed check comes first, a mistake is left at the
first call that tells it from the student's function, and two at once are tried only where each alone allows it.
"""

import contextlib
import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from autograder.checks.answers import SIDE_EFFECTS, VALUES, Criterion, criterion_of, same_by, same_in_all, same_value
from autograder.checks.call import UNANSWERED, Call
from autograder.checks.common_mistakes import ENOUGH, evidence
from autograder.checks.mistakes import Mistake
from autograder.checks.mixtures import mixed_names, mixture_name
from autograder.checks.parameters import parameters_of
from autograder.checks.replays import CheckCalls, size_of_answers
from autograder.checks.variants import Variants

Found = TypeVar("Found")

#: Seconds of processor time in which the known mistakes of a function are tried.
NAMING_SECONDS = 2.0
#: So much of the answers of a function's failed checks is kept; with more, nothing is named.
_KEPT_BYTES = 2**24


@dataclass(frozen=True)
class _Relation:
    """Relation of a variant of the function to a failed check.

    Attributes:
        explains: True if the variant answers every call as the student's function does.
        begins: True if it does so up to the first wrong answer of the student's function, that one included.
        silent: True if it answers as the solution does up to there.
    """

    explains: bool = False
    begins: bool = False
    silent: bool = False


@dataclass(frozen=True)
class _Fault:
    """Fault of the answers in a failed check.

    Attributes:
        criterion: what tells the answers from the solution's; None if nothing does.
        first: the number of the first call whose answer is wrong.
        right: answers of the solution, as far as they are needed.
    """

    criterion: Criterion | None
    first: int
    right: Sequence[Call]


class _TimeIsUpError(Exception):
    """The seconds for one function are spent."""


class Diagnosis:
    """Search for the known mistakes that explain all failed checks of one function.

    Args:
        variants: the variants of the function.

    Attributes:
        spent: seconds of processor time that it took to try the mistakes.
    """

    def __init__(self, variants: Variants) -> None:
        self._variants = variants
        self._known = variants.known
        self.spent = 0.0
        self._limit = math.inf
        self._recognised: set[str] = set()
        self._failed: list[CheckCalls] = []
        self._passed: list[CheckCalls] = []
        self._kept = 0
        #: Results of making calls again, so that no call is made again twice.
        self._relations: dict[tuple[str, CheckCalls], _Relation] = {}
        self._faults: dict[CheckCalls, _Fault] = {}

    def add(self, failed: CheckCalls) -> bool:
        """Take a failed check into account. Return False if its calls cannot be made again, so that they tell nothing."""
        if any(known.name == failed.recognised for known in self._known):
            self._recognised.add(failed.recognised)
            return True
        failed = failed.of_function(self._variants.function)
        if not self._known or not failed.diagnosable:
            return False
        self._kept += size_of_answers(failed.calls)
        if self._kept <= _KEPT_BYTES:
            self._failed.append(failed)
            if failed.uses_files:  # its calls are made again at once: the files are gone when the check ends
                for known in self._known:
                    self._relation(known.name, failed)
                self._fault(failed)
                self._right_answers(failed)
        return True

    def add_passed(self, passed: CheckCalls) -> None:
        """Take a check that has passed into account: a mistake that answers its calls in another way is not the student's."""
        passed = passed.of_function(self._variants.function)
        if self._known and passed.diagnosable and not passed.uses_files:
            self._passed.append(passed)

    def mistakes(self, seconds: float = NAMING_SECONDS) -> tuple[Mistake, ...]:
        """Return the mistakes that the student reads about; nothing if there are none.

        The first of these that there is: the one known mistake that explains all failures; a mistake that any function can
        have; two known mistakes made at once. If several known mistakes explain all failures, or the time is up, a side effect
        is named, provided that nothing else is wrong.

        Args:
            seconds: the seconds of processor time for making calls again.
        """
        if self._kept > _KEPT_BYTES or not (self._failed or self._recognised):
            return ()
        self._failed.sort(key=lambda failed: failed.seconds)  # a quick check rules out most variants at little cost
        self._passed.sort(key=lambda passed: passed.seconds)
        if self._failed:
            self._fault(self._failed[0])  # the first replay of a process takes longer, so it is not counted
            self._variants.find_common([call for failed in self._failed for call in failed.calls])
        self._limit = self.spent + seconds
        try:
            single = [known for known in self._known if self._explains_all(known.name)]
            single = self._closest(self._not_contradicted({known.name: known for known in single}))
            if len(single) == 1:
                return tuple(single)
            if single:
                return self._common_side_effect()
            if common := self._fitting_common():
                return (common,)
            pairs = self._fitting_pairs()
        except _TimeIsUpError:
            return self._common_side_effect()
        if len(pairs) == 1:
            return pairs[0]
        # If several pairs fit, only what all of them have in common is certain.
        return tuple(known for known in self._known if pairs and all(known in pair for pair in pairs))

    def _common_side_effect(self) -> tuple[Mistake, ...]:
        """Return the common mistake of a side effect if nothing else is wrong: it shows without making a call again."""
        if not all(failed in self._faults and self._fault(failed).criterion == SIDE_EFFECTS for failed in self._failed):
            return ()
        fitting = (
            Mistake(common.name, self._variants.function, common.sentence)
            for name, common in self._variants.common.items()
            if common.change and all(self._relation_by_replay(name, failed).explains for failed in self._failed)
        )
        return tuple(itertools.islice(fitting, 1))

    def _closest(self, found: list[Mistake]) -> list[Mistake]:
        """Return the mistakes that also give the student's values if side effects alone failed the check; all if none does."""
        if len(found) < 2:
            return found
        begun = self._begin()
        alike = [
            known
            for known in found
            if all(
                all(map(same_in_all, failed.calls, self._variants.replays(known.name, failed)))
                for failed in self._failed
                if self._fault(failed).criterion == SIDE_EFFECTS
            )
        ]
        self.spent += time.process_time() - begun
        return alike or found

    def _fitting_common(self) -> Mistake | None:
        """Return the first common mistake that fits, if what the checks have seen is enough to tell.

        The solution answers all their calls anew, so they must have taken no longer than there is time left.
        """
        if sum(failed.seconds for failed in self._failed) > self._limit - self.spent:
            return None
        shown = sum(map(self._evidence, self._failed))
        if self._recognised or not shown:
            return None
        for name, common in self._variants.common.items():
            if shown < common.evidence:
                continue
            known = Mistake(common.name, self._variants.function, common.sentence)
            if self._explains_all(name) and self._not_contradicted({name: known}):
                return known
        return None

    def _evidence(self, failed: CheckCalls) -> int:
        """Return how many numbers show that a check's answers are wrong; a side effect counts as enough of them."""
        fault = self._fault(failed)
        if fault.criterion != VALUES:
            return ENOUGH
        return sum(itertools.starmap(evidence, zip(failed.calls, self._right_answers(failed), strict=False)))

    def _right_answers(self, failed: CheckCalls) -> Sequence[Call]:
        return [*self._variants.right_answers(failed)]

    def _fitting_pairs(self) -> list[tuple[Mistake, Mistake]]:
        """Return the pairs whose mixture fits. The unlikely pairs are tried only if no likely one fits."""
        by_name = {known.name: known for known in self._known}
        likely = {names: self._is_likely(names) for names in self._variants.mixtures}
        for wanted in (True, False):
            tried = {names: mixture_name(*names) for names in likely if likely[names] is wanted}
            fitting = {
                variant: (by_name[names[0]], by_name[names[1]])
                for names, variant in tried.items()
                if self._explains_all(variant)
            }
            if found := self._not_contradicted(fitting):
                return found
        return []

    def _explains_all(self, variant: str) -> bool:
        if not self._recognised <= {*mixed_names(variant)}:
            return False
        return all(self._relation(variant, failed).explains for failed in self._failed)

    def _is_likely(self, names: Sequence[str]) -> bool:
        """Return True if, in the quickest failed check, one of two mistakes shows the fault wherever the other is silent.

        It is rare that a fault shows which neither mistake shows alone, such as that of a long step without a clamp.
        """
        one, other = (self._relation(name, self._failed[0]) for name in names) if self._failed else (_Relation(),) * 2
        return (other.begins or not one.silent) and (one.begins or not other.silent)

    def _relation(self, variant: str, failed: CheckCalls) -> _Relation:
        key = variant, failed
        if key not in self._relations:
            begun = self._begin()
            self._relations[key] = self._relation_by_replay(variant, failed)
            if not self._relations[key].explains:  # a variant that explains the check may take as long as the check
                self.spent += time.process_time() - begun
        return self._relations[key]

    def _relation_by_replay(self, variant: str, failed: CheckCalls) -> _Relation:
        fault = self._fault(failed)
        if fault.criterion is None or (len(mixed_names(variant)) > 1 and failed.uses_files):
            return _Relation()
        if not self._variants.can_answer(variant, failed):
            return _Relation()
        fits = begins = silent = True
        answers = self._variants.replays(variant, failed)
        for number, (theirs, answer) in enumerate(zip(failed.calls, answers, strict=False)):
            fits = fits and _same_answer(fault, number, theirs, answer) and not self._changes_more(theirs, answer)
            if number <= fault.first:
                begins, silent = fits, silent and same_by(fault.criterion, answer, fault.right[number])
            if not fits and (number >= fault.first or not silent):
                return _Relation(False, begins and number >= fault.first, silent)
        return _Relation(fits, begins, silent)

    def _changes_more(self, theirs: Call, answer: Call) -> bool:
        """Return True if a variant changes an argument in place that the student's function leaves alone.

        If the student's parameters have other names than the solution's, nobody can tell which argument is which.
        """
        return self._parameter_names >= {*theirs.changed} and bool({*answer.changed} - {*theirs.changed})

    @cached_property
    def _parameter_names(self) -> set[str]:
        return {parameter.name for parameter in parameters_of(self._variants.function, self._variants.right.text)}

    def _fault(self, failed: CheckCalls) -> _Fault:
        """Return what is wrong in a failed check.

        After the first wrong value the solution's answers are needed only if the student's later calls raised: the words of
        an exception are compared only if the solution does not raise one too.
        """
        if failed not in self._faults:
            right: list[Call] = []
            first = None
            answers = self._variants.right_answers(failed)
            for number, (theirs, answer) in enumerate(zip(failed.calls, answers, strict=False)):
                right.append(answer)
                if first is None and failed.by_value and not same_value(theirs, answer):
                    first = number
                if first is not None and not any(call.raised for call in failed.calls[number + 1 :]):
                    break
            criterion = VALUES if first is not None else criterion_of(failed.calls, right, by_value=failed.by_value)
            if first is None and criterion is not None:
                pairs = enumerate(zip(failed.calls, right, strict=True))
                first = next(number for number, pair in pairs if not same_by(criterion, *pair))
            self._faults[failed] = _Fault(criterion, first or 0, right)
        return self._faults[failed]

    def _not_contradicted(self, found: Mapping[str, Found]) -> list[Found]:
        """Return the entries whose variant no passed check contradicts; the quickest checks come first, as time allows.

        A mistake that a check itself has recognised stays, however the student may have written the rest.
        """
        left = dict(found)
        with contextlib.suppress(_TimeIsUpError):
            for passed in self._passed:
                if passed.seconds > self._limit - self.spent:
                    break
                for variant in [name for name in left if name not in self._recognised]:
                    if self._contradicts(passed, variant):
                        del left[variant]
        return list(left.values())

    def _contradicts(self, passed: CheckCalls, variant: str) -> bool:
        """Return True if the student's function answers a call as the solution does, and the variant does not.

        If the student's answer differs from the solution's as well, as by other random numbers, the mistake may be theirs.
        """
        begun = self._begin()
        pairs = enumerate(zip(passed.calls, self._variants.replays(variant, passed), strict=False))
        number = next((number for number, pair in pairs if not same_value(*pair)), None)
        right = None if number is None else next(itertools.islice(self._variants.right_answers(passed), number, None))
        self.spent += time.process_time() - begun
        return number is not None and right is not None and same_value(passed.calls[number], right)

    def _begin(self) -> float:
        """Return the processor time now, at the start of what is counted.

        Raises:
            _TimeIsUpError: all of it is spent.
        """
        if self.spent >= self._limit:
            raise _TimeIsUpError
        return time.process_time()


def _same_answer(fault: _Fault, number: int, theirs: Call, answer: Call) -> bool:
    """Return True if a variant answers a call as the student did."""
    assert fault.criterion is not None  # no variant is replayed otherwise
    raised = theirs.value is UNANSWERED and answer.value is UNANSWERED
    if fault.criterion != VALUES or not raised:
        return same_by(fault.criterion, theirs, answer)
    if theirs.of is not None and not theirs.raised:  # no gradient has come back
        return not answer.raised
    if not theirs.raised or theirs.raised[:1] != answer.raised[:1]:
        return False
    # If the solution raises too, a message may have any words; else only equal words are the same mistake.
    return theirs.raised == answer.raised or fault.right[number].value is UNANSWERED
