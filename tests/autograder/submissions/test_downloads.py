"""Downloads of a class, as platforms hand them out: each student is found once, under the right name."""

import unicodedata
from pathlib import PurePosixPath

import pytest

from autograder.submissions.downloads import SHAPES, recognize
from autograder.submissions.students import _MONTHS

NAMES = [f"Zoë Müller-{number}" if number % 7 == 0 else f"Jane Doe {number}" for number in range(300)]
NAMES[1], NAMES[2] = "jane doe", "Jane Doe"  # names that differ in case alone
FILES = ("variation_loss.py", "ideal_image.ipynb")


def canvas() -> dict[str, bytes]:
    made: dict[str, bytes] = {}
    for number, name in enumerate(NAMES):
        who = name.casefold().replace(" ", "").replace("-", "")
        late = "_LATE" if number % 5 == 0 else ""
        for place, file in enumerate(FILES):
            stem, _, ending = file.rpartition(".")
            again = f"-{number % 3}" if number % 3 else ""
            made[f"{who}{late}_{1000 + number}_{50000 + 10 * number + place}_{stem}{again}.{ending}"] = b""
    return made


def moodle_folders() -> dict[str, bytes]:
    made = {}
    for number, name in enumerate(NAMES):
        # Windows and macOS write umlauts in other normal forms.
        shown = unicodedata.normalize("NFD", name)
        for file in FILES:
            made[f"{shown}_{4000 + number}_assignsubmission_file_/{file}"] = b""
        if number % 4 == 0:
            made[f"{shown}_{4000 + number}_assignsubmission_onlinetext_/onlinetext.html"] = b""
    return made


def moodle_flat() -> dict[str, bytes]:
    return {
        f"{name}_{4000 + number}_assignsubmission_file_{file}": b""
        for number, name in enumerate(NAMES)
        for file in FILES
    }


def blackboard() -> dict[str, bytes]:
    made = {}
    for number, name in enumerate(NAMES):
        for hour in range(1 + number % 2):
            stem = f"Lab 3_s{number}_attempt_2026-11-0{1 + hour}-1{hour}-00-00"
            made[f"{stem}.txt"] = f"Name: {name} (s{number})\nDate Submitted: ...\n".encode()
            for file in FILES:
                made[f"{stem}_{file}"] = b""
    return made


def brightspace() -> dict[str, bytes]:
    made = {}
    for number, name in enumerate(NAMES):
        for day in range(1 + number % 2):
            for file in FILES:
                made[f"{9000 + number}-77 - {name} - Nov {3 + day}, 2026 1159 PM/{file}"] = b""
    return made | {"index.html": b"<html>"}


def gradescope() -> dict[str, bytes]:
    facts = "".join(
        f"submission_{number}:\n  :submitters:\n  - :name: {name}\n    :sid: '{number}'\n    :email: s{number}@x.edu\n"
        f"  :created_at: 2026-11-01 10:00:00.000000000 Z\n  :history: []\n"
        for number, name in enumerate(NAMES)
    )
    made = {f"submission_{number}/{file}": b"" for number in range(len(NAMES)) for file in FILES}
    return made | {"submission_metadata.yml": f"---\n{facts}".encode()}


def github() -> dict[str, bytes]:
    made = {}
    for number in range(len(NAMES)):
        made |= {f"course-lab-3-user-{number}/{file}": b"" for file in (".git/HEAD", *FILES)}
    return made


def sakai() -> dict[str, bytes]:
    made = {}
    for number, name in enumerate(NAMES):
        first, _, last = name.partition(" ")
        folder = f"{last}, {first}(s{number})"
        made |= {f"{folder}/Submission attachment(s)/{file}": b"" for file in FILES}
        made |= {f"{folder}/comments.txt": b"", f"{folder}/timestamp.txt": b"20261103235900123"}
    return made | {"grades.csv": b""}


def ilias() -> dict[str, bytes]:
    return {
        f"{name.replace(' ', '_')}_s{number}_{300 + number}/2026110{1 + place}120000_{file}": b""
        for number, name in enumerate(NAMES)
        for place, file in enumerate(FILES)
        if number != 0
    } | {f"Jane_Zoë_s0_300/20261101120000_{file}": b"" for file in FILES}


def nbgrader() -> dict[str, bytes]:
    return {f"submitted/s{number}/variation_loss/{file}": b"" for number in range(len(NAMES)) for file in FILES}


def canvas_quiz() -> dict[str, bytes]:
    made: dict[str, bytes] = {}
    for number, name in enumerate(NAMES):
        who = "".join(sign for sign in name.casefold() if sign.isalpha())
        made |= {
            f"{who}{1000 + number}_question_77_{50000 + 10 * number + n}_{file}": b"" for n, file in enumerate(FILES)
        }
    return made


def vpl() -> dict[str, bytes]:
    made: dict[str, bytes] = {}
    for number, name in enumerate(NAMES):
        folder = f"{name} {1000 + number} s{number}/2026-11-20-10-00-0{number % 10}"
        made |= {f"{folder}/{file}": b"" for file in FILES} | {f"{folder}.ceg/execution.txt": b""}
    return made


def schoology() -> dict[str, bytes]:
    made: dict[str, bytes] = {}
    for number, name in enumerate(NAMES):
        first, _, last = name.partition(" ")
        for revision in (1, 2):
            made |= {f"{last}, {first} - {1000 + number}/Revision {revision} - On Time/{file}": b"" for file in FILES}
    return made


def teams() -> dict[str, bytes]:
    made: dict[str, bytes] = {}
    for name in NAMES:
        made |= {f"Submitted files/{name}/Lab 3/Version {n}/{file}": b"" for n in (1, 2) for file in FILES}
        made |= {f"Working files/{name}/Lab 3/{file}": b"" for file in FILES}
    return made


def sections() -> dict[str, bytes]:
    return {f"section {number % 6}/{number} {name}/{file}": b"" for number, name in enumerate(NAMES) for file in FILES}


FORMS = {
    "canvas": (canvas, "Canvas"),
    "canvas_quiz": (canvas_quiz, "Canvas"),
    "vpl": (vpl, "VPL"),
    "schoology": (schoology, "Schoology"),
    "teams": (teams, "Teams"),
    "moodle_folders": (moodle_folders, "Moodle"),
    "moodle_flat": (moodle_flat, "Moodle"),
    "blackboard": (blackboard, "Blackboard"),
    "brightspace": (brightspace, "Brightspace"),
    "gradescope": (gradescope, "Gradescope"),
    "github": (github, "GitHub"),
    "sakai": (sakai, "Sakai"),
    "ilias": (ilias, "ILIAS"),
    "nbgrader": (nbgrader, "nbgrader"),
    "sections": (sections, "sections"),
}


def read_class(files: dict[str, bytes], shape: str = ""):
    return recognize([PurePosixPath(name) for name in files], lambda path: files.get(str(path), b""), shape)


@pytest.mark.parametrize("form", FORMS)
def test_each_student_of_a_class_of_300_is_found_once(form):
    make, platform = FORMS[form]
    download = read_class(make())
    assert download is not None and download.platform == platform
    assert len({attempt.students[0].key for attempt in download.attempts}) == len(NAMES)


@pytest.mark.parametrize("form", ["moodle_folders", "moodle_flat", "blackboard", "brightspace", "gradescope"])
def test_students_have_their_names(form):
    download = read_class(FORMS[form][0]())
    assert {attempt.students[0].name for attempt in download.attempts} == set(NAMES)


@pytest.mark.parametrize("form", FORMS)
def test_the_files_of_a_submission_have_their_own_names(form):
    for attempt in read_class(FORMS[form][0]()).attempts:
        assert set(map(PurePosixPath, FILES)) <= attempt.files.keys()


@pytest.mark.parametrize("form", FORMS)
def test_a_zip_may_hold_everything_in_one_folder(form):
    make, platform = FORMS[form]
    download = read_class({f"download/{name}": data for name, data in make().items()})
    assert download is not None and download.platform == platform
    assert all(str(path).startswith("download/") for each in download.attempts for path in each.files.values())


def test_canvas_tells_who_was_late_and_counts_uploads():
    names = ["doejane_LATE_12345_67890_variation_loss-2.py", "doejane_LATE_12345_67891_variation_loss.py"]
    download = read_class(dict.fromkeys(names, b""), "canvas")
    (attempt,) = download.attempts
    assert attempt.late and attempt.files == {PurePosixPath("variation_loss.py"): PurePosixPath(names[0])}
    assert download.strays == {PurePosixPath(names[1]): "an earlier upload of variation_loss.py"}


def test_a_number_in_the_name_of_a_unit_is_no_count_of_canvas_uploads():
    names = [
        "doejane_1_11_lab-1.ipynb",
        "doejane_1_12_lab-2.ipynb",
        "doejane_1_13_lab-2-1.ipynb",
        "roebob_2_21_loss-1.py",
    ]
    download = recognize(map(PurePosixPath, names), lambda _: b"", units=("lab_1", "lab_2", "loss"))
    assert [list(map(str, attempt.files)) for attempt in download.attempts] == [
        ["lab-1.ipynb", "lab-2.ipynb"],
        ["loss.py"],
    ]
    assert download.strays == {PurePosixPath(names[1]): "an earlier upload of lab-2.ipynb"}


def test_anonymous_students_of_canvas_stay_apart():
    names = ["anon_aB3dE_81_variation_loss.py", "anon_Zz9yX_82_variation_loss.py"]
    attempts = read_class(dict.fromkeys(names, b"")).attempts
    assert [attempt.students[0].name for attempt in attempts] == ["anon_aB3dE", "anon_Zz9yX"]


def test_a_late_word_stands_before_a_hidden_name_of_canvas():
    download = read_class(
        dict.fromkeys(["anon_aB3dE_81_quiz.py", "LATE_anon_Zz9yX_82_quiz.py", "LATE_anon_Qw4rT_link.html"])
    )
    late = {attempt.students[0].name: attempt.late for attempt in download.attempts}
    assert late == {"anon_aB3dE": False, "anon_Zz9yX": True, "anon_Qw4rT": True} and download.strays == {}


def test_texts_and_links_in_canvas_are_hand_ins():
    names = ["doejane_1_11_quiz.py", "smithbob_2_link.html", "leeann_LATE_3_text.html", "team_a_4_text.html"]
    assert files_of(*names, "anon_aB3dE_text.html") == {
        "doejane": {"quiz.py"},
        "smithbob": {"link.html"},
        "leeann": {"text.html"},
        "team_a": {"text.html"},
        "anon_aB3dE": {"text.html"},
    }


def test_the_mark_of_an_encoding_hides_no_name_in_blackboards_facts():
    text = b"\xef\xbb\xbfName: Jane Doe (jdoe)\r\n"
    files = {"Lab_jdoe_attempt_2026-11-20-10-00-00.txt": text, "Lab_jdoe_attempt_2026-11-20-10-00-00_quiz.py": b""}
    (attempt,) = read_class(files).attempts
    assert attempt.students[0].name == "Jane Doe"


def test_blackboard_tells_the_moment_of_each_attempt():
    download = read_class(blackboard())
    moments = [attempt.at for attempt in download.attempts if attempt.students[0].login == "s1"]
    assert moments == ["2026-11-01T10:00:00", "2026-11-02T11:00:00"]


BLACKBOARD = "{}_attempt_2026-11-01-10-00-00{}"


def logins_of(*stems, facts=None, shape=""):
    files = {BLACKBOARD.format(stem, "_variation_loss.py"): b"" for stem in stems}
    files |= {BLACKBOARD.format(stem, ".txt"): f"Name: {name}\n".encode() for stem, name in (facts or {}).items()}
    return [(each.students[0].name, each.students[0].login) for each in read_class(files, shape).attempts]


def test_blackboards_facts_tell_where_a_login_with_underscores_begins():
    facts = {"gb_Lab_3_j_doe": "Jane Doe (j_doe)", "gb_Lab_3_doe": "John (Jack) Doe (doe)"}
    assert logins_of(*facts, facts=facts) == [("Jane Doe", "j_doe"), ("John (Jack) Doe", "doe")]


def test_blackboards_facts_of_one_student_tell_the_assignment_for_all():
    facts = {"Lab_3_s_1": "Jane Doe (s_1)"}
    assert logins_of("Lab_3_s_1", "Lab_3_s_2", facts=facts) == [("Jane Doe", "s_1"), ("s_2", "s_2")]


def test_without_blackboards_facts_students_with_logins_that_end_alike_stay_apart():
    assert logins_of("Lab 3_j_doe", "Lab 3_a_doe") == [("j_doe", "j_doe"), ("a_doe", "a_doe")]


def test_a_file_whose_own_name_looks_like_blackboards_stays_in_its_attempt():
    name = BLACKBOARD.format("Lab_jane", "_my_attempt_2026-01-01-00-00-00_loss.py")
    (attempt,) = read_class({name: b""}).attempts
    assert attempt.students[0].login == "jane" and attempt.at == "2026-11-01T10:00:00"


def test_brightspace_tells_the_moment_in_hours_of_twelve():
    name = "9-9 - Jane Doe - Nov 3, 2026 1205 AM/variation_loss.py"
    assert read_class({name: b""}).attempts[0].at == "2026-11-03T00:05:00"


def test_two_students_of_one_name_in_brightspace_are_two():
    names = [f"{number}-7 - Jane Doe - Nov {day}, 2026 1159 PM/quiz.py" for number, day in ((41, 3), (41, 4), (42, 5))]
    names.append("43-7 - Bo Ek - Nov 3, 2026 1159 PM/quiz.py")
    download = read_class(dict.fromkeys(names, b""))
    assert [attempt.students[0].key for attempt in download.attempts] == ["41", "41", "42", "Bo Ek"]
    # Where both numbers differ, neither is known to be a student's.
    names = [f"{number}-{number + 7} - Jane Doe - Nov {number}, 2026 1159 PM/quiz.py" for number in (3, 4)]
    assert [each.students[0].key for each in read_class(dict.fromkeys(names, b"")).attempts] == ["Jane Doe", "Jane Doe"]


def test_a_group_of_gradescope_has_all_its_members():
    facts = b"submission_1:\n  :submitters:\n  - :name: Ann\n    :sid: '1'\n  - :name: Bob\n    :sid: '2'\n"
    files = {"submission_1/variation_loss.py": b"", "submission_metadata.yml": facts}
    (attempt,) = read_class(files).attempts
    assert [student.name for student in attempt.students] == ["Ann", "Bob"]


def test_the_number_of_a_folder_that_gradescope_does_not_name_is_no_students():
    facts = b"submission_1:\n  :submitters:\n  - :name: Ann\n    :sid: '2'\n"
    download = read_class({"submission_metadata.yml": facts, "submission_1/quiz.py": b"", "submission_2/quiz.py": b""})
    assert {attempt.students[0].name: attempt.students[0].id for attempt in download.attempts} == {
        "Ann": "2",
        "submission_2": "",
    }


def test_gradescopes_table_is_plain_data():
    facts = b"submission_1: !!python/object/apply:os.system ['exit 1']\n"
    files = {"submission_1/variation_loss.py": b"", "submission_metadata.yml": facts}
    (attempt,) = read_class(files).attempts
    assert attempt.students[0].name == "submission_1"


def test_a_strange_name_in_a_download_is_told():
    names = [*moodle_flat(), "notes.txt"]
    download = read_class(dict.fromkeys(names, b""))
    assert download.strays == {
        PurePosixPath("notes.txt"): "Moodle names files otherwise; if a student handed it in, name it as the others"
    }


@pytest.mark.parametrize(
    "names",
    [
        ["alice/variation_loss.py", "bob/variation_loss.py"],
        ["alice/exercises/variation_loss.py", "alice/my_work/variation_loss.py", "bob/exercises/variation_loss.py"],
        ["variation_loss.py", "ideal_image.py"],
        ["alice.zip", "bob.zip"],
        [],
    ],
)
def test_folders_for_each_student_are_no_platforms(names):
    assert read_class(dict.fromkeys(names, b"")) is None


def test_every_shape_can_be_asked_for_by_name():
    assert set(SHAPES) == {form.partition("_")[0] for form in FORMS}


@pytest.mark.parametrize("logins", [["max-a", "max-b"], ["max-a"]])
def test_two_hyphens_end_what_is_no_login(logins: list[str]) -> None:
    """Logins may begin alike, and one clone may lie there alone."""
    names = [PurePosixPath(f"lab-1--{login}/{file}") for login in logins for file in (".git/HEAD", "quiz.py")]
    download = SHAPES["github"](names, lambda _: b"", ())
    assert download is not None
    assert [attempt.students[0].login for attempt in download.attempts] == logins


def files_of(*names, facts=None):
    """Return the files of each student in a download, by name."""
    files = dict.fromkeys(names, b"") | {name: text.encode() for name, text in (facts or {}).items()}
    download = read_class(files)
    return {student.name: set(map(str, each.files)) for each in download.attempts for student in each.students}


def test_a_group_of_canvas_may_have_underscores_in_its_name():
    found = files_of("team_rocket_LATE_12_345_quiz.py", "doejane_13_346_quiz.py")
    assert found == {"team_rocket": {"quiz.py"}, "doejane": {"quiz.py"}}


def test_names_that_number_the_students_are_not_canvas():
    """One would stand in the place of the other."""
    assert read_class({"team_1_quiz.py": b"", "team_2_quiz.py": b""}) is None


@pytest.mark.parametrize("word", ["Participant", "Teilnehmer"])
def test_hidden_names_of_moodle_have_their_numbers(word):
    names = [f"{word}_{number}_assignsubmission_file_/quiz.py" for number in (12, 13)]
    assert set(files_of(*names)) == {f"{word} 12", f"{word} 13"}


def test_moodles_other_folders_belong_to_the_student():
    folder = "Jane Doe_12_assign{}_/{}"
    names = [
        folder.format(*each) for each in (("submission_file", "quiz.py"), ("feedback_file", "a"), ("submission_x", "b"))
    ]
    assert files_of(*names) == {"Jane Doe": {"quiz.py", "b"}}  # feedback is the teacher's


def test_feedback_is_nobodys_hand_in():
    download = read_class(
        dict.fromkeys(
            (
                "Bo_1_assignsubmission_file_/quiz.py",
                "Bo_1_assignfeedback_file_/quiz.py",
                "Al_2_assignfeedback_file_/quiz.py",
            ),
            b"",
        )
    )
    found = {attempt.students[0].name: list(map(str, attempt.files.values())) for attempt in download.attempts}
    assert found == {"Bo": ["Bo_1_assignsubmission_file_/quiz.py"], "Al": []} and not download.strays


def test_working_files_of_teams_are_not_handed_in():
    names = ["Submitted files/Al/Lab/Version 9/quiz.py", "Submitted files/Al/Lab/Version 10/quiz.py"]
    names += ["Submitted files/Bo/Lab/quiz.py", "Working files/Cy/Lab/quiz.py"]
    download = read_class(dict.fromkeys(names, b""))
    found = {attempt.students[0].name: list(map(str, attempt.files.values())) for attempt in download.attempts}
    assert found == {"Al": [names[1]], "Bo": [names[2]]}
    assert download.strays[PurePosixPath(names[3])] == "a working file, which was not handed in"


@pytest.mark.parametrize("top", ["", "Student Work/"])
def test_a_download_of_teams_is_recognized_without_working_files(top):
    names = [f"{top}Submitted files/{who}/Lab 3/Version {n}/quiz.py" for who in ("Al Ba", "Bo") for n in (1, 2)]
    download = read_class(dict.fromkeys(names, b""))
    assert download.platform == "Teams"
    found = {attempt.students[0].name: list(map(str, attempt.files.values())) for attempt in download.attempts}
    assert found == {"Al Ba": [names[1]], "Bo": [names[3]]}


@pytest.mark.parametrize(
    ("form", "old", "new"),
    [
        ("Doe, {} - {}/Revision {}", "1 - On Time/quiz.py", "2 - On Time/quiz_final.py"),
        ("Doe_{}_jd_{}/{}", "20261103120000_quiz.py", "20261105120000_quiz_final.ipynb"),
        ("Submitted files/{} Doe {}/Lab/Version {}", "1/quiz.py", "2/src/quiz_final.py"),
    ],
)
def test_the_last_version_of_a_unit_counts_under_whatever_name(form, old, new):
    names = [form.format("Jane", 1, old), form.format("Jane", 1, new), form.format("Bo", 2, old)]
    beside = [names[0].replace("Submitted", "Working")] if "Submitted" in form else []
    download = recognize(map(PurePosixPath, names + beside), lambda _: b"", units=("quiz",))
    assert [list(map(str, each.files.values())) for each in download.attempts] == [names[1:2], names[2:]]
    assert download.strays[PurePosixPath(names[0])].startswith("an earlier upload of ")


def test_files_of_a_unit_that_were_uploaded_together_or_for_two_tasks_are_all_kept():
    for names in (
        [f"Doe_Jane_jd_1/2026110312000{second}_quiz.{ending}" for second, ending in enumerate(("py", "ipynb"))],
        ["Submitted files/Jane Doe/Lab 1/Version 2/quiz.py", "Submitted files/Jane Doe/Lab 2/Version 1/quiz.py"],
    ):
        other = names[0].replace("Jane", "Bo").replace("_1/", "_2/")
        beside = ["Working files/Jane Doe/Lab 1/quiz.py"] if "Lab" in other else []
        attempt, _ = recognize(map(PurePosixPath, [*names, other, *beside]), lambda _: b"", units=("quiz",)).attempts
        assert sorted(map(str, attempt.files.values())) == sorted(names)


def test_a_file_that_a_revision_leaves_as_it_is_stays_in_it():
    names = ["Doe, Al - 1/Revision 1 - Late/quiz.py", "Doe, Al - 1/Revision 1 - Late/lab.py"]
    names += ["Doe, Al - 1/Revision 2 - On Time/quiz.py"]
    attempt, _ = read_class(dict.fromkeys([*names, "Ek, Bo - 2/Revision 1 - Late/quiz.py"], b"")).attempts
    states = [(sorted(map(str, each.files.values())), each.late) for each in (*attempt.before, attempt)]
    assert states == [(sorted(names[:2]), True), (sorted(names[1:]), True)]


def test_a_revision_that_was_late_is_late_if_it_counts():
    names = ["Doe, Al - 1/Revision 1 - Late/quiz.py", "Doe, Al - 1/Revision 2 - On Time/quiz.py"]
    names += ["Ek, Bo - 2/Revision 1 - On Time/quiz.py", "Ek, Bo - 2/Revision 2 - Late/quiz.py"]
    download = read_class(dict.fromkeys(names, b""))
    assert {attempt.students[0].name: attempt.late for attempt in download.attempts} == {"Al Doe": False, "Bo Ek": True}


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("Nov 3, 2026 1159 PM/", "2026-11-03T23:59:00"),
        ("Nov 3, 2026 11 59 PM/", "2026-11-03T23:59:00"),
        ("Nov 3, 2026 1 01 PM/", "2026-11-03T13:01:00"),
        ("3 November, 2026 2359/", "2026-11-03T23:59:00"),
        ("3. Dezember 2026 11.59 PM/", "2026-12-03T23:59:00"),
        ("août 3, 2026 1205 AM/", "2026-08-03T00:05:00"),
        ("Nov 3, 2026 1159 AM - ", "2026-11-03T11:59:00"),
        ("maj 3, 2026 1159 PM/", "2026-05-03T23:59:00"),
        ("Haz 3, 2026 1159 PM/", "2026-06-03T23:59:00"),
        ("Dis 3, 2026 1159 PM/", "2026-12-03T23:59:00"),
        ("rugs 3, 2026 1159 PM/", "2026-09-03T23:59:00"),
        ("Feb 30, 2026 1159 PM/", ""),
        ("Xyz 3, 2026 1159 PM/", ""),
    ],
)
def test_brightspace_writes_moments_in_many_ways(written, moment):
    attempts = read_class({f"9-7 - {name} - {written}quiz.py": b"" for name in ("Jane Doe", "Bob - Lee")}).attempts
    assert [(each.students[0].name, each.at) for each in attempts] == [("Jane Doe", moment), ("Bob - Lee", moment)]
    assert {str(name) for each in attempts for name in each.files} == {"quiz.py"}


def test_an_impossible_moment_of_blackboard_is_none():
    (attempt,) = read_class({"Lab_jane_attempt_2026-13-40-10-00-00_quiz.py": b""}).attempts
    assert attempt.at == "" and attempt.files


def test_one_broken_entry_of_gradescopes_table_leaves_the_others_their_names():
    facts = "submission_1: broken\nsubmission_2:\n  :submitters:\n  - :name: Ann\n    :sid: '2'\n"
    assert set(files_of("submission_1/a.py", "submission_2/a.py", facts={"submission_metadata.yml": facts})) == {
        "submission_1",
        "Ann",
    }


def test_results_of_any_size_in_gradescopes_table_leave_the_names():
    person = "  :submitters:\n  - :name: {}\n    :sid: '{}'\n  :created_at: 2026-11-01 10:00:00 Z\n"
    results = "  :results:\n    :tests:\n" + "    - :output: |-\n        :submitters:\n" * 60_000
    facts = "---\n" + "".join(
        f"submission_{n}:\n{person.format(name, n)}{results}" for n, name in ((1, "Ann"), (2, "Bob"))
    )
    found = files_of("submission_1/a.py", "submission_2/a.py", facts={"submission_metadata.yml": facts})
    assert set(found) == {"Ann", "Bob"}


def test_assignments_of_nbgraders_are_one_hand_in():
    names = ["submitted/ann/ps1/quiz.py", "submitted/ann/ps2/quiz.py", "submitted/ann/ps2/loss.py"]
    times = {f"submitted/ann/ps{n}/timestamp.txt": f"2026-11-2{n} 10:00:00 UTC" for n in (1, 2)}
    assert files_of(*names, facts=times) == {"ann": {"ps1/quiz.py", "ps2/quiz.py", "ps2/loss.py"}}


NBGRADERS_DATE = "2026-11-20 10:00:00.1 UTC"


def test_the_folder_submitted_of_nbgrader_may_be_given_itself():
    names = ["ann/ps1/quiz.py", "bob/ps1/quiz.py"]
    download = read_class(dict.fromkeys(names, b"") | {"ann/ps1/timestamp.txt": NBGRADERS_DATE.encode()})
    assert download.platform == "nbgrader"
    assert {attempt.students[0].name: bool(attempt.at) for attempt in download.attempts} == {"ann": True, "bob": False}
    assert read_class(dict.fromkeys(names, b"")) is None


def test_hand_ins_in_nbgraders_exchange_are_attempts():
    names = [
        "ann+ps1+2026-11-20 10:00:00.000000 UTC+x1/quiz.py",
        "ann+ps1+2026-11-21 10:00:00.000000 UTC/quiz.py",
        "bob+ps1+2026-11-20 10:00:00.000000 UTC+x2/quiz.py",
    ]
    download = read_class(dict.fromkeys(names, b""))
    assert download.platform == "nbgrader"
    assert [(attempt.students[0].name, attempt.at) for attempt in download.attempts] == [
        ("ann", "2026-11-20T10:00:00+00:00"),
        ("ann", "2026-11-21T10:00:00+00:00"),
        ("bob", "2026-11-20T10:00:00+00:00"),
    ]


def clones_of(*names: str) -> dict[str, bytes]:
    return {f"{name}/{file}": b"" for name in names for file in (".git/HEAD", "quiz.py")}


@pytest.mark.parametrize(
    "beside", ["starter/quiz.py", "notes/plan.md", "lab/quiz.py", "lab/.git/HEAD", "course-lab/.git/HEAD"]
)
def test_another_folder_beside_clones_hides_no_clone(beside):
    clones = ("course-lab-al", "course-lab-bo") if beside.startswith("course") else ("lab-al", "lab-bo")
    download = read_class(clones_of(*clones) | {beside: b"", f"{beside.partition('/')[0]}/a.md": b""})
    assert download.platform == "GitHub"
    assert [attempt.students[0].login for attempt in download.attempts] == ["al", "bo"]
    assert {str(path.parent) for path in download.strays} == {beside.partition("/")[0]}


@pytest.mark.parametrize("names", [("jane-doe", "jane-li", "bob"), ("lab-al", "lab-bo", "quiz-cy"), ("lab", "lab-al")])
def test_students_own_repositories_are_no_clones_of_a_class(names):
    download = read_class(clones_of(*names))
    assert download is None or download.platform != "GitHub"


def test_most_folders_beside_clones_are_the_clones():
    assert read_class(clones_of("lab-al", "lab-bo") | {"cy/quiz.py": b"", "di/quiz.py": b""}) is None


@pytest.mark.parametrize("sections", ["AB", "AAB"])
def test_clones_may_lie_in_sections(sections):
    names = [f"{section}/lab-{who}" for section, who in zip(sections, ("al", "bo", "cy"), strict=False)]
    download = read_class(clones_of(*names))
    assert download.platform == "sections" and download.inner == {"GitHub"}
    assert [attempt.students[0].login for attempt in download.attempts] == ["al", "bo", "cy"][: len(sections)]


def test_a_clone_without_its_git_folder_is_one_of_the_class():
    names = ["lab-ann/.git/HEAD", "lab-ann/quiz.py", "lab-bob/.git/HEAD", "lab-bob/quiz.py", "lab-carl/quiz.py"]
    assert files_of(*names) == {name: {"quiz.py"} for name in ("ann", "bob", "carl")}


def test_the_clone_of_a_class_of_one_is_no_folder_around_a_class():
    names = [f"grades--jdoe/{file}" for file in (".git/HEAD", "README.md", "quiz.py")]
    (attempt,) = read_class(dict.fromkeys(names, b""), "github").attempts
    assert attempt.students[0].login == "jdoe" and PurePosixPath("quiz.py") in attempt.files


@pytest.mark.parametrize("form", ["canvas", "moodle_folders", "brightspace", "sakai"])
def test_sections_may_be_downloads(form):
    files = FORMS[form][0]()
    halves = {f"{'A' if place % 2 else 'B'}/{name}": data for place, (name, data) in enumerate(files.items())}
    download = read_class(halves)
    assert download is not None and download.platform == "sections"
    assert len({attempt.students[0].key for attempt in download.attempts}) == len(NAMES)


def test_marks_of_direction_are_no_part_of_a_name():
    assert set(
        files_of("\u200fعلي_12_assignsubmission_file_/quiz.py", "\ufeffBo_13_assignsubmission_file_/quiz.py")
    ) == {
        "علي",
        "Bo",
    }


def test_a_folder_of_many_files_beside_the_hand_ins_of_several_students_hides_no_platform():
    files = {f"{who}_{n}_assignsubmission_file_/quiz.py": b"" for n, who in enumerate(("Al", "Bo"))}
    download = read_class(files | {f"exercises/{number}.py": b"" for number in range(9)})
    assert download.platform == "Moodle" and len(download.attempts) == 2 and len(download.strays) == 9


def test_folders_of_the_course_beside_clones_hide_no_clone():
    files = {f"lab-{who}/{file}": b"" for who in ("al", "bo") for file in (".git/HEAD", "quiz.py")}
    download = read_class(files | {"exercises/quiz.py": b""})
    assert download.platform == "GitHub" and len(download.attempts) == 2


@pytest.mark.parametrize(
    ("who", "name"),
    [("  - :name: ''\n    :sid: '7'", "7"), ("  - :name:", "submission_1"), ("  - :name: Ann\n    :sid: [7]", "Ann")],
)
def test_a_student_of_gradescope_without_a_whole_name_and_number_is_known_by_the_rest(who, name):
    facts = f"submission_1:\n  :submitters:\n{who}\n"
    assert list(files_of("submission_1/a.py", facts={"submission_metadata.yml": facts})) == [name]


def test_a_moment_of_gradescope_that_is_none_is_left_empty():
    facts = b"submission_1:\n  :submitters:\n  - :name: Ann\n  :created_at: yesterday\n"
    (attempt,) = read_class({"submission_1/a.py": b"", "submission_metadata.yml": facts}).attempts
    assert (attempt.students[0].name, attempt.at) == ("Ann", "")


@pytest.mark.parametrize("ending", ["zip", "tbz2", "txz", "tar.zst", "cab"])
def test_an_archive_of_any_kind_beside_a_download_is_no_list_of_the_instructors(ending):
    names = [PurePosixPath(f"lab/{who}_{number}_{number}_quiz.py") for number, who in enumerate(("ann", "bo"), 11)]
    assert recognize([*names, PurePosixPath("class.csv")], lambda _: b"").platform == "Canvas"
    assert recognize([*names, PurePosixPath(f"late.{ending}")], lambda _: b"") is None


def test_attempts_of_brightspace_whose_moments_cannot_be_read_stay_apart():
    names = [f"9-7 - Jane Doe - Xyz {day}, 2026 1159 PM/quiz.py" for day in (3, 12)]
    attempts = read_class(dict.fromkeys(names, b"")).attempts
    assert [len(each.files) for each in attempts] == [1, 1]


def test_no_beginning_of_a_month_means_two_of_them():
    names = [(name, month) for month, row in enumerate(_MONTHS) for name in row.split()]
    assert not [
        (one, other) for one, month in names for other, second in names if one.startswith(other) and month != second
    ]
