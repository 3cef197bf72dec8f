"""Deadlines and other decisions: each as a pure function, tried on many inputs."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import UsageError
from autograder.results.class_file import read_policy
from autograder.results.policy import LateRule, Policy, adjust, lateness, score_without_worst, unheeded_rules

VILNIUS = ZoneInfo("Europe/Vilnius")
DUE = datetime(2026, 11, 20, 23, 59)
RULE = LateRule(percent=10, most=50)
POLICY = Policy(due=DUE, zone=VILNIUS, late=RULE)
MAXIMA = {"quiz": 10.0, "denoise": 16.0}
FULL = {"quiz": 10.0, "denoise": 16.0}

moments = st.datetimes(datetime(2026, 10, 20), datetime(2026, 12, 1))
rules = st.builds(
    LateRule,
    percent=st.floats(0, 100),
    per=st.sampled_from(["day", "hour"]),
    of=st.sampled_from(["earned", "maximum"]),
    most=st.floats(0, 100),
    cut_off=st.none() | st.timedeltas(timedelta(), timedelta(days=9)),
    budget=st.integers(0, 5),
)
policies = st.builds(
    Policy,
    due=st.datetimes(datetime(2026, 10, 20), datetime(2026, 11, 25)),
    zone=st.sampled_from([VILNIUS, ZoneInfo("Asia/Yangon"), ZoneInfo("America/New_York"), ZoneInfo("UTC")]),
    grace=st.timedeltas(timedelta(), timedelta(hours=2)),
    late=rules,
    drop=st.integers(0, 2),
    bonus=st.sampled_from([(), ("quiz",)]),
)
points = st.fixed_dictionaries({"quiz": st.floats(0, 10), "denoise": st.floats(0, 16), "attack": st.floats(0, 5)})
THREE = {"quiz": 10.0, "denoise": 16.0, "attack": 5.0}


def test_in_time_nothing_changes():
    found = adjust(FULL, MAXIMA, POLICY, "alice", "2026-11-20T23:59:00")
    assert (found.score, found.max_score, found.trail) == (26.0, 26.0, ())


def test_a_day_late_costs_its_share_and_says_so():
    found = adjust(FULL, MAXIMA, POLICY, "alice", "2026-11-21T00:00:00")
    assert found.score == pytest.approx(23.4) and found.trail == ("one day late: -10 %",)


def test_grace_is_up_to_and_with_its_end():
    policy = replace(POLICY, grace=timedelta(minutes=15))
    assert lateness("2026-11-21T00:14:00", policy) is None
    assert lateness("2026-11-21T00:14:01", policy).days == 1


def test_no_more_than_the_most_is_taken():
    assert adjust(FULL, MAXIMA, POLICY, at="2026-11-29T00:00:00").score == pytest.approx(13.0)


def test_after_the_cut_off_there_is_nothing():
    policy = replace(POLICY, late=replace(RULE, cut_off=timedelta(days=2)))
    assert adjust(FULL, MAXIMA, policy, at="2026-11-22T23:59:00").score == pytest.approx(20.8)
    assert adjust(FULL, MAXIMA, policy, at="2026-11-22T23:59:01").score == 0.0


def test_a_percentage_of_the_maximum_takes_as_much_from_everyone():
    policy = replace(POLICY, late=replace(RULE, of="maximum"))
    assert adjust({"quiz": 5.0}, MAXIMA, policy, at="2026-11-21T12:00:00").score == pytest.approx(2.4)
    assert adjust({"quiz": 1.0}, MAXIMA, policy, at="2026-11-21T12:00:00").score == 0.0


@pytest.mark.parametrize("of", ["earned", "maximum"])
def test_a_penalty_takes_nothing_from_a_score_below_zero(of):
    policy = replace(POLICY, late=replace(RULE, of=of))
    assert adjust({"quiz": 2.0}, MAXIMA, policy, at="2026-11-21T12:00:00", added=-5.0).score == 0.0


def test_steps_stand_in_place_of_a_percentage_for_each_day():
    steps = ((timedelta(), 5.0), (timedelta(days=1), 25.0))
    policy = replace(POLICY, late=LateRule(steps=steps))
    assert adjust(FULL, MAXIMA, policy, at="2026-11-21T12:00:00").score == pytest.approx(24.7)
    assert adjust(FULL, MAXIMA, policy, at="2026-11-22T12:00:00").score == pytest.approx(19.5)


def test_the_budget_pays_for_days_and_says_how_many():
    policy = replace(POLICY, late=replace(RULE, budget=1))
    found = adjust(FULL, MAXIMA, policy, at="2026-11-22T12:00:00")
    assert found.score == pytest.approx(23.4) and found.trail == ("2 days late, one day of it free: -10 %",)


def test_an_exemption_leaves_a_unit_or_everything_out():
    policy = replace(POLICY, exempt={"alice": ("quiz",), "bob": ()})
    assert adjust(FULL, MAXIMA, policy, "alice").max_score == 16.0
    assert adjust(FULL, MAXIMA, policy, "bob").score is None
    every = replace(POLICY, exempt={"alice": tuple(MAXIMA)})
    assert adjust(FULL, MAXIMA, every, "alice") == adjust(FULL, MAXIMA, policy, "bob")


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=2, max_size=6), st.integers(1, 3))
def test_no_other_choice_of_dropped_units_gives_a_larger_share(marks, drop):
    points = {f"unit{place}": float(score) for place, (score, _) in enumerate(marks)}
    maxima = {f"unit{place}": float(most) for place, (_, most) in enumerate(marks)}
    found = score_without_worst(points, maxima, drop, ())
    kept = itertools.combinations(maxima, len(maxima) - min(drop, len(maxima) - 1))
    most = max(sum(points[unit] for unit in each) / sum(maxima[unit] for unit in each) for each in kept)
    assert found.score == pytest.approx(most * sum(maxima.values()))
    assert len(found.dropped) == min(drop, len(maxima) - 1)


def test_many_of_many_units_are_dropped_in_no_time():
    points = {f"unit{number}": float(number % 7) for number in range(60)}
    maxima = dict.fromkeys(points, 7.0)
    assert len(score_without_worst(points, maxima, 30, ()).dropped) == 30


def test_the_unit_whose_absence_helps_most_is_dropped():
    found = adjust({"quiz": 2.0, "denoise": 16.0}, MAXIMA, replace(POLICY, drop=1))
    assert (found.score, found.max_score, found.trail) == (26.0, 26.0, ("quiz dropped",))


def test_a_bonus_counts_and_its_maximum_does_not():
    found = adjust(FULL, MAXIMA, replace(POLICY, bonus=("quiz",)))
    assert (found.score, found.max_score) == (26.0, 16.0)


@given(policies, points, moments, st.timedeltas(timedelta(), timedelta(days=20)))
def test_an_extension_never_lowers_a_mark(policy, given_points, at, longer):
    extended = replace(policy, extensions={"alice": longer})
    before = adjust(given_points, THREE, policy, "alice", at.isoformat()).score
    assert adjust(given_points, THREE, extended, "alice", at.isoformat()).score >= before - 1e-9


@given(policies, points, moments, st.sampled_from(sorted(THREE)), st.floats(0, 5))
def test_more_points_never_lower_a_mark(policy, given_points, at, unit, more):
    better = given_points | {unit: min(THREE[unit], given_points[unit] + more)}
    before = adjust(given_points, THREE, policy, "alice", at.isoformat()).score
    assert adjust(better, THREE, policy, "alice", at.isoformat()).score >= before - 1e-9


@given(policies, points, moments, st.timedeltas(timedelta(), timedelta(days=3)))
def test_a_later_moment_never_raises_a_mark(policy, given_points, at, later):
    # In UTC, where no hour comes twice.
    policy = replace(policy, zone=ZoneInfo("UTC"))
    before = adjust(given_points, THREE, policy, "alice", at.isoformat()).score
    assert adjust(given_points, THREE, policy, "alice", (at + later).isoformat()).score <= before + 1e-9


@pytest.mark.parametrize(
    ("due", "at"), [("2026-10-24T12:00:00", "2026-10-25T12:00:00"), ("2027-03-27T12:00:00", "2027-03-28T12:00:00")]
)
def test_a_day_ends_at_the_time_of_the_deadline_also_when_the_clocks_change(due, at):
    policy = replace(POLICY, due=datetime.fromisoformat(due))
    assert lateness(at, policy).days == 1
    assert lateness(at.replace("00:00", "00:01"), policy).days == 2


#: New York's clocks go forward on 8 March 2026 at 2:00, and back on 1 November 2026 at 2:00.
NEW_YORK = Policy(zone=ZoneInfo("America/New_York"), late=LateRule(percent=10, per="hour"))
SPRING = replace(NEW_YORK, due=datetime(2026, 3, 7, 23, 59))
AUTUMN = replace(NEW_YORK, due=datetime(2026, 10, 31, 23, 59))


@pytest.mark.parametrize(
    ("policy", "at", "hours"),
    [
        (SPRING, "2026-03-08T04:30:00", 4),  # 3 h 31 min, while the clock on the wall says 4 h 31 min
        (SPRING, "2026-03-09T00:30:00", 24),
        (AUTUMN, "2026-11-01T01:30:00-04:00", 2),
        (AUTUMN, "2026-11-01T01:30:00-05:00", 3),  # 2 h 31 min, while the clock on the wall says 1 h 31 min
        (AUTUMN, "2026-11-01T23:59:00", 24),  # one day of 25 hours
        (AUTUMN, "2026-11-02T00:30:00", 25),
    ],
)
def test_hours_are_those_that_have_passed_when_the_clocks_change(policy, at, hours):
    assert lateness(at, policy).count == hours


def test_an_hour_that_the_clocks_skip_is_no_lateness():
    late = replace(SPRING.late, cut_off=timedelta(hours=4))
    assert not lateness("2026-03-08T04:59:00", replace(SPRING, late=late)).cut_off
    assert lateness("2026-03-08T04:59:01", replace(SPRING, late=late)).cut_off
    assert lateness("2026-03-08T04:59:00", replace(SPRING, grace=timedelta(hours=4))) is None
    late = LateRule(steps=((timedelta(hours=4), 25.0),))
    assert adjust(FULL, MAXIMA, replace(SPRING, late=late), at="2026-03-08T04:30:00").score == 26.0


def test_an_hour_that_comes_twice_is_lateness_until_the_day_ends():
    policy = replace(AUTUMN, due=datetime(2026, 11, 1, 1, 30))
    assert lateness("2026-11-01T01:10:00-05:00", policy).count == 1
    assert lateness("2026-11-01T01:45:00-05:00", replace(policy, grace=timedelta(minutes=30))).after == timedelta(
        minutes=75
    )


@pytest.mark.parametrize(
    ("policy", "end"), [(SPRING, "2026-03-08T23:59:00"), (AUTUMN, "2026-11-01T23:59:00")], ids=["spring", "autumn"]
)
def test_a_whole_day_of_the_changed_clocks_costs_no_more_than_a_day(policy, end):
    late = LateRule(steps=((timedelta(), 5.0), (timedelta(days=1), 25.0)), cut_off=timedelta(days=1))
    assert adjust(FULL, MAXIMA, replace(policy, late=late), at=end).score == pytest.approx(26 * 0.95)
    assert adjust(FULL, MAXIMA, replace(policy, late=replace(policy.late, budget=1)), at=end).score == 26.0


def test_in_the_hour_that_comes_twice_a_later_deadline_counts_no_more_time():
    policy = replace(AUTUMN, due=datetime(2026, 11, 1, 1, 50))
    later = replace(policy, extensions={"ann": datetime.fromisoformat("2026-11-01T01:10:00-05:00")})
    at = "2026-11-02T01:15:00"
    assert lateness(at, later, "ann").after <= lateness(at, policy).after


def test_a_moment_with_a_zone_of_its_own_is_taken_for_what_it_is():
    assert lateness("2026-11-20T21:59:00+00:00", POLICY) is None
    assert lateness("2026-11-20 21:59:01 Z", POLICY).days == 1


def test_class_toml_is_read(tmp_path):
    path = tmp_path / "class.toml"
    path.write_text(
        '[deadline]\ndue = 2026-11-20T23:59:00\nzone = "Europe/Vilnius"\ngrace = "15 minutes"\n'
        '[late]\npercent = 10\nmost = 50\ncut_off = "7 days"\nbudget = 3\n'
        '[extensions]\nalice = 2026-11-25T23:59:00\nbob = "2 days"\n[exempt]\ncarl = ["quiz"]\n'
        '[units]\ndrop = 1\nbonus = ["quiz"]\n'
    )
    assert read_policy(path) == Policy(
        due=DUE,
        zone=VILNIUS,
        grace=timedelta(minutes=15),
        late=LateRule(percent=10, most=50, cut_off=timedelta(days=7), budget=3),
        extensions={"alice": datetime(2026, 11, 25, 23, 59), "bob": timedelta(days=2)},
        exempt={"carl": ("quiz",)},
        drop=1,
        bonus=("quiz",),
    )


def test_a_name_in_any_normal_form_is_that_of_the_submission(tmp_path):
    path = tmp_path / "class.toml"
    path.write_text('[extensions]\n"Zoe\u0308" = "2 days"\n[exempt]\n"Zoe\u0308" = ["quiz"]\n', encoding="utf-8")
    policy = read_policy(path)
    assert (policy.extensions, policy.exempt) == ({"Zoë": timedelta(days=2)}, {"Zoë": ("quiz",)})


def test_without_class_toml_everything_counts_as_it_is(tmp_path):
    assert adjust(FULL, MAXIMA, read_policy(tmp_path / "class.toml"), at="2030-01-01T00:00:00").score == 26.0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[dedline]\n", "there is no table [dedline]; there are deadline, late"),
        ("[late]\npercnt = 1\n", "[late] has no percnt; it has budget, cut_off"),
        ("[late]\npercent = 110\n", "percent is 110; write a number from 0 to 100"),
        ('[late]\nper = "week"\n', "per is 'week'; it is one of day, hour"),
        ('[deadline]\ndue = "tomorrow"\n', "due is 'tomorrow' and no moment; write one such as"),
        ('[deadline]\ngrace = "soon"\n', "grace is 'soon' and no length of time; write one such as"),
        ('[deadline]\nzone = "Atlantis"\n', "there is no time zone 'Atlantis'; write one such as"),
        ("[extensions]\nbob = 3\n", "the extension of bob is 3 and no length of time"),
        ("due = \n", "cannot be read"),
        ("due = 2026-11-20T23:59:00\n", "due stands in no table; write [deadline] in a line of its own above it"),
        ("drop = 1\n", "drop stands in no table; write [units] or [term] in a line of its own above it"),
        ("[weights]\nlab1 = 10\n", "there is no table [weights]; write [term.weights]"),
        ('[deadline]\nattempts = "best"\n', "attempts; it stands in the first line, above all tables"),
        ('[extensions]\nJane Doe = "2 days"\n', 'write the name in quotes: "Jane Doe" = ...'),
        ('[extensions]\nMüller = "2 days"\n', 'write the name in quotes: "Müller" = ...'),
        ("[exempt]\njane.doe@x.edu = []\n", 'write the name in quotes: "jane.doe@x.edu" = ...'),
        (
            '[extensions]\njane.m.doe = "2 days"\n',
            'jane.m.doe in [extensions] has a dot; write the name in quotes: "jane.m.doe"',
        ),
        ("[exempt]\njane.doe = []\n", 'jane.doe in [exempt] has a dot; write the name in quotes: "jane.doe"'),
        ("[term.weights]\nlab1.out = 10\n", 'lab1.out in [weights] has a dot; write the name in quotes: "lab1.out"'),
        ("[late\n", "mend it, or take it away"),
    ],
)
def test_what_makes_no_sense_has_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "class.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_policy(path)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exempt = 5", r"exempt is a table; write \[exempt\] in a line of its own"),
        ("[exempt]\nann = 'quiz'", r"\[exempt\] ann is 'quiz'; write a list of names such as \[.one., .two.\]"),
        ("[exempt]\nann = 5", "write a list of names"),
        ("[units]\nbonus = 'quiz'", "bonus is 'quiz'; write a list of names"),
        ("[term]\nbonus = 'lab'", "bonus is 'lab'; write a list of names"),
        ("[term]\nweights = 3", "weights is 3; write"),
        ("[late]\nsteps = [5]", "steps is .*; write a list such as"),
        ("[late]\nsteps = 5", "steps is 5; write a list such as"),
        (
            "[late]\nsteps = [{after = '1 day', percentage = 25}]",
            "a step has after, percentage; write after and percent",
        ),
        ("[late]\nsteps = [{after = '1 day'}]", "a step has after; write after and percent, such as"),
        ("[late]\nbudget = 2.5", "budget is 2.5; write a whole number, at least 0"),
        ("[late]\nbudget = inf", "budget is inf; write a whole number, at least 0"),
        ("[units]\ndrop = 0.5", "drop is 0.5; write a whole number, at least 0"),
        ("[term]\ndrop = 0.5", "drop is 0.5; write a whole number, at least 0"),
        ("[term]\nbudget = -1", "budget is -1; write a whole number, at least 0"),
        ("[term]\nweights = {lab1 = inf}", "lab1 is inf; write a finite number, at least 0"),
        (
            "[late]\ncut_off = '99999999999 weeks'",
            "cut_off is '99999999999 weeks' and too long; write at most 5200 weeks",
        ),
        ("[extensions]\nann = '9999999 days'", "the extension of ann is '9999999 days' and too long; write at most"),
        ("[deadline]\nzone = 2", "zone is 2 and no name; write one such as .Europe/Vilnius., with quotes"),
        ("[deadline]\nzone = 'Europe'", "there is no time zone 'Europe'; write one such as Europe/Vilnius"),
        ("[deadline]\ndue = 2026-11-20", "due is 2026-11-20 and no moment; write one such as 2026-11-20T23:59:00"),
        (
            "[deadline]\ndue = 9999-12-31T23:59:00",
            "due is 9999-12-31T23:59:00; write a moment of the years 1000 to 9000",
        ),
        ("[extensions]\nann = 2026-11-20", "the extension of ann is 2026-11-20 and no moment"),
    ],
)
def test_a_value_of_another_kind_has_a_sentence(tmp_path, text, words):
    path = tmp_path / "class.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=f"class.toml: .*{words}"):
        read_policy(path)


def test_class_toml_may_begin_with_the_mark_that_editors_write(tmp_path):
    (tmp_path / "class.toml").write_text("\ufeff[late]\npercent = 5\n", encoding="utf-8")
    assert read_policy(tmp_path / "class.toml").late.percent == 5.0


def test_a_file_in_another_encoding_is_told_so(tmp_path):
    (tmp_path / "class.toml").write_text("[late]\npercent = 5\n", encoding="utf-16")
    with pytest.raises(UsageError, match=r"class\.toml is no text in UTF-8; save it in UTF-8"):
        read_policy(tmp_path / "class.toml")


def test_a_rule_for_lateness_without_a_deadline_is_told_to_have_no_effect(tmp_path):
    (tmp_path / "class.toml").write_text("[late]\npercent = 5\n")
    told = "class.toml says what lateness costs and has no deadline, so nobody is late; write `due` under [deadline]"
    assert list(unheeded_rules(read_policy(tmp_path / "class.toml"), ["ann"], ["quiz"])) == [told]
    (tmp_path / "class.toml").write_text("[deadline]\ndue = 2026-11-20T23:59:00\n[late]\npercent = 5\n")
    assert not list(unheeded_rules(read_policy(tmp_path / "class.toml"), ["ann"], ["quiz"]))
