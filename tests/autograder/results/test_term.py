"""The term: each student's sum over assignments, by the rule of class.toml; never of two classes."""

import csv
import io
import json
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import cli
from autograder.errors import UsageError
from autograder.results.mark import mark
from autograder.results.policy import LateRule, Policy, TermRule
from autograder.results.term import Assignment, folder_names, term_marks
from autograder.results.types import CheckResult, Outcome, SubmissionResult

DUE = {"lab1": datetime(2026, 10, 1, 12), "lab2": datetime(2026, 10, 8, 12), "lab3": datetime(2026, 10, 15, 12)}
SUM = TermRule()
MAXIMA = {"lab1": 10.0, "lab2": 20.0, "lab3": 30.0}


def result(name, earned, possible, outcome=Outcome.FAILED):
    return SubmissionResult(
        name,
        (
            CheckResult("u::one", "u", "f", "t", earned, outcome=Outcome.PASSED),
            CheckResult("u::two", "u", "g", "t", possible - earned, outcome=outcome),
        ),
    )


def assignment(name, earned, moments=None, **rules):
    """An assignment with the points of some students, each day late -10 %."""
    marks = {student: mark(result(student, points, MAXIMA[name])) for student, points in earned.items()}
    policy = Policy(due=DUE[name], late=LateRule(percent=10), **rules)
    return Assignment(name, marks, policy, moments or {})


def term(*assignments, rule=SUM, students=("alice",)):
    return term_marks(assignments, students, rule)


def test_without_weights_points_are_added_up():
    (made,) = term(assignment("lab1", {"alice": 5}), assignment("lab2", {"alice": 20}))
    assert (made.score, made.max_score, made.trail) == (25.0, 30.0, ())
    assert {name: unit.points for name, unit in made.units.items()} == {"lab1": 5.0, "lab2": 20.0}


def test_bonus_units_give_an_assignment_no_weight():
    def passed(unit):
        return CheckResult(f"{unit}::one", unit, "f", "t", 10.0, outcome=Outcome.PASSED)

    marks = {"alice": mark(SubmissionResult("alice", (passed("u"), passed("extra"))))}
    (made,) = term(Assignment("lab1", marks, Policy(bonus=("extra",)), {}), assignment("lab2", {"alice": 20}))
    assert (made.units["lab1"].points, made.units["lab1"].max_points, made.max_score) == (20.0, 10.0, 30.0)


def test_a_bonus_is_no_larger_for_those_who_are_exempt():
    rule = TermRule(weights={"lab1": 50, "lab2": 50, "lab3": 10}, bonus=("lab3",))
    labs = (
        assignment("lab1", {"alice": 8, "bob": 8}),
        assignment("lab2", {"alice": 0, "bob": 0}, exempt={"bob": ()}),
        assignment("lab3", {"alice": 15, "bob": 15}),
    )
    alice, bob = term(*labs, rule=rule, students=("alice", "bob"))
    assert (alice.score, bob.score, bob.max_score) == (45.0, 85.0, 100.0)


def test_a_fault_of_the_graders_leaves_an_assignment_its_weight():
    broken = assignment("lab1", {})
    broken.marks["alice"] = mark(result("alice", 5, 10, Outcome.ERROR))
    assert term(broken)[0].max_score == 10.0


def test_weights_count_shares():
    rule = TermRule(weights={"lab1": 60, "lab2": 40})
    (made,) = term(assignment("lab1", {"alice": 5}), assignment("lab2", {"alice": 20}), rule=rule)
    assert (made.score, made.max_score) == (70.0, 100.0)


def test_the_assignment_whose_absence_helps_most_is_dropped():
    rule = TermRule(weights={"lab1": 50, "lab2": 50}, drop=1)
    (made,) = term(assignment("lab1", {"alice": 2}), assignment("lab2", {"alice": 18}), rule=rule)
    assert made.score == pytest.approx(90.0) and made.trail[-1] == "lab1 dropped"


def test_who_handed_in_nothing_has_a_row_and_who_is_exempt_loses_nothing():
    labs = assignment("lab1", {"alice": 5}), assignment("lab2", {"alice": 10, "bob": 20}, exempt={"alice": ()})
    alice, bob = term(*labs, students=("alice", "bob"))
    assert (alice.score, alice.max_score, alice.trail) == (15.0, 30.0, ("15", "lab2: exempt"))
    assert (bob.score, bob.trail) == (20.0, ("20", "lab1: not handed in"))


def test_a_fault_of_the_graders_leaves_no_sum():
    broken = assignment("lab1", {})
    broken.marks["alice"] = mark(result("alice", 5, 10, Outcome.ERROR))
    (made,) = term(broken, assignment("lab2", {"alice": 20}))
    assert made.score is None and "lab1: no grade" in made.trail


def test_the_budget_of_the_term_is_spent_in_the_order_of_deadlines():
    late = {"lab1": "2026-10-03T11:00:00", "lab2": "2026-10-10T11:00:00"}  # two days each
    labs = [assignment(name, {"alice": MAXIMA[name]}, {"alice": late[name]}) for name in ("lab2", "lab1")]
    (none,) = term(*labs)
    assert none.score == pytest.approx(30 * 0.8)
    (some,) = term(*labs, rule=TermRule(budget=3))
    assert some.units["lab1"].points == 10.0 and some.units["lab2"].points == pytest.approx(18.0)
    assert some.trail[-1] == "3 of 3 late days of the term used"
    assert "lab2: 2 days late, one day of it free: -10 %" in some.trail


@pytest.mark.parametrize("steps", [(), ((timedelta(days=1), 50.0),), ((timedelta(days=3), 50.0),)])
def test_nothing_is_spent_where_lateness_costs_nothing(steps):
    late = {"lab1": "2026-10-04T11:00:00", "lab2": "2026-10-10T11:00:00"}  # three days and two
    first, second = (assignment(name, {"alice": MAXIMA[name]}, {"alice": late[name]}) for name in late)
    first = replace(first, rules=replace(first.rules, late=LateRule(steps=steps)))
    (made,) = term(first, second, rule=TermRule(budget=3))
    assert made.units["lab1"].points == 10.0
    costs = bool(steps) and steps[0][0] < timedelta(days=3)
    assert made.units["lab2"].points == pytest.approx(16.0 if costs else 20.0)


def test_nothing_is_spent_on_work_after_the_cut_off():
    late = {"alice": "2026-10-30T12:00:00"}
    lab = assignment("lab1", {"alice": 10}, late)
    lab = replace(lab, rules=replace(lab.rules, late=replace(lab.rules.late, cut_off=DUE["lab2"] - DUE["lab1"])))
    other = assignment("lab2", {"alice": 20}, {"alice": "2026-10-09T12:00:00"})
    (made,) = term(lab, other, rule=TermRule(budget=1))
    assert made.units["lab1"].points == 0.0 and made.units["lab2"].points == 20.0


def test_nothing_is_spent_by_whoever_is_exempt():
    lab = assignment("lab1", {"alice": 10}, {"alice": "2026-10-04T11:00:00"}, exempt={"alice": ()})
    (made,) = term(lab, assignment("lab2", {"alice": 20}), rule=TermRule(budget=3))
    assert (made.score, made.trail) == (30.0, ("30", "lab1: exempt"))


def test_an_extension_goes_by_the_name_in_the_folder_also_for_the_budget():
    lab = assignment("lab1", {"alice": 10}, {"alice": "2026-10-04T11:00:00"}, extensions={"alice": timedelta(days=3)})
    lab = replace(lab, marks={"Alice Smith": lab.marks["alice"]}, moments={"Alice Smith": lab.moments["alice"]})
    (made,) = term(lab, rule=TermRule(budget=3), students=("Alice Smith",))
    assert (made.score, made.trail) == (10.0, ())


days = st.fixed_dictionaries({name: st.integers(0, 5) for name in DUE})
shares = st.fixed_dictionaries({name: st.floats(0, 1) for name in DUE})


@given(days, days, shares, shares, st.integers(0, 6), st.integers(0, 2))
def test_neither_more_points_nor_an_earlier_hand_in_nor_the_order_lowers_a_sum(late, sooner, share, more, budget, drop):
    def total(late, share, order=tuple(DUE)):
        labs = [
            assignment(
                name,
                {"alice": MAXIMA[name] * share[name]},
                {"alice": DUE[name].replace(day=DUE[name].day + late[name]).isoformat()},
            )
            for name in order
        ]
        return term(*labs, rule=TermRule(budget=budget, drop=drop))[0].score

    before = total(late, share)
    less = {name: min(late[name], sooner[name]) for name in DUE}
    better = {name: max(share[name], more[name]) for name in DUE}
    assert total(less, share) >= before - 1e-9
    assert total(late, better) >= before - 1e-9
    assert total(late, share, tuple(reversed(DUE))) == pytest.approx(before)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (TermRule(weights={"lab1": 1}), "no weight for lab2"),
        (TermRule(weights={"lab1": 1, "lab2": 1, "lab9": 1}), r"\[term\] names lab9, and there are lab1, lab2"),
        (TermRule(bonus=("lap1",)), "names lap1"),
    ],
)
def test_a_rule_that_fits_no_assignment_is_refused(rule, said):
    with pytest.raises(UsageError, match=said):
        term(assignment("lab1", {"alice": 1}), assignment("lab2", {"alice": 1}), rule=rule)


def test_folders_of_one_name_are_told_apart_and_one_given_twice_is_refused():
    def name(folder):
        return folder.rpartition("/")[2]

    assert folder_names(["a/out", "b/out"], name, lambda folder: folder.replace("/", "-")) == {
        "a/out": "a-out",
        "b/out": "b-out",
    }
    with pytest.raises(UsageError, match="given twice"):
        folder_names(["a/out", "a/out"], name, name)


ROSTER = (
    'Student,ID,SIS Login ID,Section,Term (9)\n    Points Possible,,,,60\n"Doe, Jane",1,jane,A,\n"Li, Bo",2,bo,A,\n'
)


def graded(folder, points, ids=(), roster="roster.csv"):
    """A folder as `autograder grade` leaves it."""
    (folder / "results").mkdir(parents=True)
    lines = ["student,path,submitted,late,reason,id,login"]
    for number, (name, earned) in enumerate(points.items()):
        (folder / "results" / f"{name}.json").write_text(result(name, earned, 10).to_json())
        lines.append(f"{name},x,,,,{ids[number] if ids else ''},")
    (folder / "intake.csv").write_text("\n".join(lines) + "\n")
    (folder / "graded.json").write_text(json.dumps({"paths": [], "roster": roster}))
    return folder


@pytest.fixture
def report(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["autograder", "report", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def roster(tmp_path):
    (tmp_path / "class.toml").write_text("[term]\nweights = {lab1 = 40, lab2 = 20}\n")
    path = tmp_path / "roster.csv"
    path.write_text(ROSTER)
    return path


def test_the_command_sums_up_as_table_csv_and_gradebook(report, roster, tmp_path):
    labs = (
        graded(tmp_path / "lab1", {"Jane Doe": 5, "Bo Li": 10}, ids=(1, 2)),
        graded(tmp_path / "lab2", {"jane": 10, "zed": 1}, roster=""),
    )
    code, out, err = report(*labs, "--roster", roster)
    assert code == 0 and "lab2: zed is left out: nobody in roster.csv has this number, login or name" in err
    assert [line.split()[:5] for line in out.splitlines() if "/ 60" in line] == [
        ["Jane", "Doe", "40", "/", "60"],
        ["Bo", "Li", "40", "/", "60"],
    ]
    _, out, _ = report(*labs, "--roster", roster, "--as", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["submission"], row["score"], row["lab1"], row["lab2"]) for row in rows] == [
        ("Jane Doe", "40", "20", "20"),
        ("Bo Li", "40", "40", "0"),
    ]
    code, *_ = report(*labs, "--roster", roster, "--as", "canvas", "--gradebook", roster, "-o", tmp_path / "up")
    filled = ROSTER.replace("jane,A,", "jane,A,40").replace("bo,A,", "bo,A,40")
    assert code == 0 and (tmp_path / "up" / "roster.csv").read_text() == filled


def test_two_classes_are_never_summed_up_together(report, roster, tmp_path):
    one = graded(tmp_path / "lab1", {"Jane Doe": 5, "Bo Li": 10}, ids=(1, 2))
    namesake = graded(tmp_path / "lab2", {"Jane Doe": 5, "Bo Li": 10}, ids=(77, 2))
    code, _, err = report(one, namesake, "--roster", roster)
    assert code == 2 and "Jane Doe is 77 in lab2 and 1 in the roster: two classes" in err
    strangers = graded(tmp_path / "b" / "lab2", {"Ann": 5, "Bob": 10, "bo": 1}, roster="")
    code, _, err = report(one, strangers, "--roster", roster)
    assert code == 2 and "2 of 3 students in lab2 are not in the roster: it is another class" in err


def test_a_student_of_two_sections_has_one_row(report, roster, tmp_path):
    roster.write_text(ROSTER + '"Doe, Jane",1,jane,B,\n')
    labs = (
        graded(tmp_path / "lab1", {"Jane Doe": 5, "Bo Li": 10}, ids=(1, 2)),
        graded(tmp_path / "lab2", {"jane": 10, "bo": 1}, roster=""),
    )
    _, out, err = report(*labs, "--roster", roster, "--as", "csv")
    rows = [(row["submission"], row["score"]) for row in csv.DictReader(io.StringIO(out))]
    assert rows == [("Jane Doe", "40"), ("Bo Li", "42")] and err == ""


def test_a_number_of_one_student_with_the_name_of_another_gives_points_to_neither(report, tmp_path):
    roster = tmp_path / "roster.csv"
    rows = '"Doe, Jane",2,\n"Li, Bo",1,\n"Ek, Al",3,{}\n"Fo, Cy",4,{}\n'
    roster.write_text("Student,ID,Term (9)\n" + rows.format("", ""))
    lab = graded(tmp_path / "lab1", {"Jane Doe": 5, "Bo Li": 9, "Al Ek": 7, "Cy Fo": 6}, ids=(1, 2, 3, 4), roster="")
    _, out, err = report(lab, "--roster", roster, "--as", "csv")
    assert [line.split(",")[1] for line in out.splitlines()[1:]] == ["0", "0", "7", "6"]
    why = "in roster.csv its number 1 is Bo Li's and its name Jane Doe is Jane Doe's; take numbers"
    assert f"lab1: Jane Doe is left out: {why}" in err
    _, _, err = report(lab, "--as", "canvas", "--gradebook", roster, "-o", tmp_path / "up")
    assert f"roster.csv has no row for Jane Doe alone: {why}" in err
    assert (tmp_path / "up" / "roster.csv").read_text() == "Student,ID,Term (9)\n" + rows.format(7, 6)


def test_a_groups_hand_in_that_was_graded_without_a_roster_counts_for_all_its_members(report, tmp_path):
    (tmp_path / "roster.csv").write_text("Name,Group\nJane Doe,Team 1\nBo Li,Team 1\nAl Ek,Team 2\n")
    lab = graded(tmp_path / "lab1", {"team1": 5, "Al Ek": 7, "team3": 1}, roster="")
    _, out, err = report(lab, "--roster", tmp_path / "roster.csv", "--as", "csv")
    assert [line.split(",")[1] for line in out.splitlines()[1:]] == ["5", "5", "7"]
    assert "lab1: team3 is left out: nobody in roster.csv" in err and "team1" not in err
    heading = "Name,Group,Term (9)\n"
    (tmp_path / "book.csv").write_text(heading + "Jane Doe,Team 1,\nBo Li,Team 1,\n")
    _, _, err = report(lab, "--as", "canvas", "--gradebook", tmp_path / "book.csv", "-o", tmp_path / "up")
    assert "book.csv has no row for team1 alone: it is a group; grade the class with --roster" in err
