"""What a new grading changes, and why."""

from dataclasses import replace

from autograder.results.formats.difference import Change, changes
from autograder.results.manual import ManualPoints
from autograder.results.mark import mark
from autograder.results.types import CheckResult, Outcome, SubmissionResult

ONE = CheckResult("u::one", "u", "f", "t", 2.0, outcome=Outcome.PASSED)
TWO = CheckResult("u::two", "u", "g", "t", 1.0, outcome=Outcome.NOT_WRITTEN)


def differences(*pairs, manual=()):
    return list(changes((None if old is None else mark(old, manual), mark(new, manual)) for old, new in pairs))


def test_nothing_changes():
    result = SubmissionResult("alice", (ONE, TWO))
    assert differences((result, replace(result, seconds=9.0))) == []


def test_each_check_that_is_the_reason_is_named():
    new = (replace(ONE, outcome=Outcome.TIMED_OUT), replace(TWO, id="u::three", outcome=Outcome.PASSED))
    (change,) = differences((SubmissionResult("alice", (ONE, TWO)), SubmissionResult("alice", new)))
    assert change == Change(
        "alice",
        "2",
        "1",
        "-1",
        (
            "u::one: passed -> timed out, 2 -> 0 of 2",
            "u::two: gone, not written yet, 0 of 1",
            "u::three: new, passed, 1 of 1",
        ),
    )


def test_other_points_for_the_same_outcome():
    new = SubmissionResult("alice", (replace(ONE, max_points=3.0),))
    (change,) = differences((SubmissionResult("alice", (ONE,)), new))
    assert (change.by, change.why) == ("+1", ("u::one: passed, 2 -> 3 of 3",))


def test_another_share_of_the_points_for_the_same_outcome():
    old, new = (
        SubmissionResult("alice", (replace(TWO, outcome=Outcome.FAILED, share=share),)) for share in (0.5, 0.75)
    )
    (change,) = differences((old, new))
    assert (change.by, change.why) == ("+0.25", ("u::two: failed, 0.5 -> 0.75 of 1",))


def test_who_is_new_and_who_has_no_grade():
    broken = SubmissionResult("alice", (replace(ONE, outcome=Outcome.ERROR),))
    first, second = differences((None, SubmissionResult("bob", (ONE,))), (SubmissionResult("alice", (ONE,)), broken))
    assert (first.before, first.after, first.by, first.why) == ("none", "2", "", ())
    assert (second.before, second.after) == ("2", "no grade")


def test_points_by_hand_stand_on_both_sides():
    old, new = SubmissionResult("alice", (ONE,)), SubmissionResult("alice", (replace(ONE, outcome=Outcome.FAILED),))
    (change,) = differences((old, new), manual=[ManualPoints("alice", "f", 1.0)])
    assert (change.before, change.after, change.by) == ("1", "1", "+0")
    assert change.why == ("u::one: passed -> failed, 2 -> 0 of 2",)


def test_those_whose_mark_moves_come_first_and_the_largest_first_of_all():
    def result(name, one=ONE, two=TWO):
        return SubmissionResult(name, (one, two))

    lost, won = replace(ONE, outcome=Outcome.FAILED), replace(TWO, outcome=Outcome.PASSED)
    same = replace(TWO, outcome=Outcome.FAILED)
    pairs = [
        (result("same"), result("same", two=same)),
        (result("little"), result("little", two=won)),
        (result("much"), result("much", one=lost)),
        (None, result("new")),
    ]
    found = differences(*pairs)
    assert [change.name for change in found] == ["new", "much", "little", "same"]
    assert [change.moves for change in found] == [True, True, True, False]
