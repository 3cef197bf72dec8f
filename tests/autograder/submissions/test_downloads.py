"""Downloads of a class, as platforms hand them out: each student is found once, under the right name."""

import unicodedata
from pathlib import PurePosixPath

import pytest

from autograder.submissions.downloads import SHAPES, recognize

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


def nbgrader() -> dict[str, bytes]:
    return {f"submitted/s{number}/variation_loss/{file}": b"" for number in range(len(NAMES)) for file in FILES}


def sections() -> dict[str, bytes]:
    return {f"section {number % 6}/{number} {name}/{file}": b"" for number, name in enumerate(NAMES) for file in FILES}


FORMS = {
    "canvas": (canvas, "Canvas"),
    "moodle_folders": (moodle_folders, "Moodle"),
    "moodle_flat": (moodle_flat, "Moodle"),
    "blackboard": (blackboard, "Blackboard"),
    "brightspace": (brightspace, "Brightspace"),
    "gradescope": (gradescope, "Gradescope"),
    "github": (github, "GitHub"),
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


def test_anonymous_students_of_canvas_stay_apart():
    names = ["anon_aB3dE_81_variation_loss.py", "anon_Zz9yX_82_variation_loss.py"]
    attempts = read_class(dict.fromkeys(names, b"")).attempts
    assert [attempt.students[0].name for attempt in attempts] == ["anon_aB3dE", "anon_Zz9yX"]


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


def test_a_group_of_gradescope_has_all_its_members():
    facts = b"submission_1:\n  :submitters:\n  - :name: Ann\n    :sid: '1'\n  - :name: Bob\n    :sid: '2'\n"
    files = {"submission_1/variation_loss.py": b"", "submission_metadata.yml": facts}
    (attempt,) = read_class(files).attempts
    assert [student.name for student in attempt.students] == ["Ann", "Bob"]


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
    download = SHAPES["github"](names, lambda _: b"")
    assert download is not None
    assert [attempt.students[0].login for attempt in download.attempts] == logins
