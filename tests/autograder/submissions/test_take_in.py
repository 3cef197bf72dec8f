"""A class is taken in whole: each student has a row and the right name, and whatever is left out has a reason."""

import io
import os
import tarfile
import tempfile
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from autograder.errors import UsageError
from autograder.grading.batch import best_attempts
from autograder.submissions import collect_hand_in
from autograder.submissions.archives import UnreadableError
from autograder.submissions.authors import author_before_unit, without_version
from autograder.submissions.hand_in import entries_of
from autograder.submissions.intake import take_in
from autograder.submissions.students import timestamp

UNITS = ("variation_loss", "ideal_image")
CODE = "def f():\n    return 1\n"


def write(root: Path, *names: str, text: str = CODE) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def zipped(path: Path, *names: str, **nested: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, CODE)
        for name, data in nested.items():
            archive.writestr(name, data)
    return path


def taken(path: Path, form: str = ""):
    intake = take_in([path], UNITS, form)
    return intake, {name: collect_hand_in(each, name, UNITS) for name, each in intake.hand_ins.items()}


CLASSES = {
    "canvas": [
        "doejane_LATE_1_11_variation_loss-2.py",
        "mullerx_2_12_variation_loss-1.py",
        "smithbob_3_13_variation_loss.py",
    ],
    "moodle": [
        f"{name}_{n}_assignsubmission_file_/variation_loss.py" for n, name in enumerate(("Jane Doe", "Bo", "Zoë"))
    ],
    "folders": ["alice/variation_loss.py", "bob/variation_loss.py", "carl/variation_loss.py"],
    "files": ["alice_variation_loss.py", "bob-variation_loss.py", "carl_variation_loss.ipynb"],
    "sections": [
        "section_A/bob/variation_loss.py",
        "section_A/al/variation_loss.py",
        "section_B/carl/variation_loss.py",
    ],
    "nbgrader": [f"submitted/{name}/lab/variation_loss.py" for name in ("alice", "bob", "carl")],
}


@pytest.mark.parametrize("form", CLASSES)
def test_each_of_three_students_has_a_row_and_a_file(form, tmp_path):
    intake, raw = taken(write(tmp_path / "class", *CLASSES[form]))
    assert len(raw) == 3 and all(set(each.files) == {"variation_loss"} for each in raw.values())
    assert intake.left_out == []


@pytest.mark.parametrize("form", CLASSES)
def test_the_students_of_a_class_stand_in_order_whatever_form_it_has(form, tmp_path):
    for path in (write(tmp_path / "class", *CLASSES[form]), zipped(tmp_path / "class.zip", *reversed(CLASSES[form]))):
        names = list(take_in([path], UNITS).hand_ins)
        assert names == sorted(names, key=str.casefold)


@pytest.mark.parametrize("form", ["canvas", "moodle", "sections", "nbgrader"])
@pytest.mark.parametrize("folder", ["", "download/"])
def test_a_zip_of_a_class_is_read_as_its_folder_is(form, folder, tmp_path):
    path = zipped(tmp_path / "class.zip", *(folder + name for name in CLASSES[form]))
    assert {name: set(each.files) for name, each in taken(path)[1].items()} == {
        name: set(each.files) for name, each in taken(write(tmp_path / "class", *CLASSES[form]))[1].items()
    }


def test_a_students_zip_inside_the_zip_of_a_class_is_opened(tmp_path):
    inner = zipped(tmp_path / "inner.zip", "work/variation_loss.py").read_bytes()
    names = {f"{who}_{n}_assignsubmission_file_/work.zip": inner for n, who in enumerate(("Ann Lee", "Bo Ek"))}
    _, raw = taken(zipped(tmp_path / "class.zip", **names))
    assert {name: set(each.files) for name, each in raw.items()} == {
        "Ann Lee": {"variation_loss"},
        "Bo Ek": {"variation_loss"},
    }


@pytest.mark.parametrize("wrapper", ["class", "course/week 3"])
def test_a_class_in_a_folder_of_its_own_is_the_class(wrapper, tmp_path):
    write(
        tmp_path / "down", *(f"{wrapper}/{name}/variation_loss.py" for name in ("alice", "bob")), f"{wrapper}/eve/a.txt"
    )
    intake, files = taken(tmp_path / "down")
    assert intake.sentence == "a folder of submissions: 3 students"
    assert list(files) == ["alice", "bob", "eve"]


@pytest.mark.parametrize("parts", [("part1", "part2"), ("alice", "bob")])
def test_folders_in_a_zip_are_students_if_the_instructor_says_so(tmp_path, parts):
    path = zipped(tmp_path / "class.zip", *(f"{part}/variation_loss.py" for part in parts))
    assert list(take_in([path], UNITS, "folders").hand_ins) == list(parts)


def test_a_zip_without_folders_is_refused_where_folders_are_asked_for(tmp_path):
    path = zipped(tmp_path / "class.zip", "variation_loss.py")
    with pytest.raises(UsageError, match=r"class\.zip holds no folders of students; leave --from out"):
        take_in([path], UNITS, "folders")


@pytest.mark.parametrize("folders", [("my_work", "exercises"), ("part1", "part2")])
def test_the_folders_of_one_student_are_no_class(folders, tmp_path):
    write(tmp_path / "down", f"alice/{folders[0]}/variation_loss.py", f"alice/{folders[1]}/ideal_image.py")
    assert list(taken(tmp_path / "down")[1]) == ["alice"]


def test_what_was_understood_is_one_line(tmp_path):
    intake, _ = taken(write(tmp_path / "class", *CLASSES["canvas"]))
    assert intake.sentence == "a download of Canvas: 3 students, 1 late"


def test_the_last_attempt_stands_and_earlier_ones_are_listed(tmp_path):
    names = [f"Lab_s1_attempt_2026-11-0{day}-10-00-00_variation_loss.py" for day in (1, 3, 2)]
    intake, raw = taken(write(tmp_path / "class", *names))
    (hand_in,) = intake.hand_ins.values()
    assert hand_in.at == "2026-11-03T10:00:00" and list(raw["s1"].files) == ["variation_loss"]
    assert sorted(each.reason for each in intake.left_out) == [
        "an earlier attempt, of 2026-11-01T10:00:00",
        "an earlier attempt, of 2026-11-02T10:00:00",
    ]
    assert intake.sentence == "a download of Blackboard: 1 student, 2 earlier attempts"


def test_nobody_vanishes_from_a_folder_of_folders(tmp_path):
    folder = write(
        tmp_path / "class", "bob/variation_loss.py", "alice.rar", "lee_12348_67893_homework.docx", "plan.txt"
    )
    (folder / "empty").mkdir()
    intake, raw = taken(folder)
    assert set(raw) == {"bob", "alice", "lee", "empty"}
    assert raw["alice"].problem == "alice.rar is an archive of a kind that is not read here; hand in a .zip"
    assert raw["lee"].notes and not raw["lee"].files and raw["empty"].notes
    assert [(each.path, each.reason) for each in intake.left_out] == [
        ("plan.txt", "it is neither a folder, an archive nor a file of this course")
    ]


def test_a_broken_zip_in_a_class_takes_nothing_from_the_others(tmp_path):
    zipped(tmp_path / "class" / "bob.zip", "variation_loss.py")
    (tmp_path / "class" / "al.zip").write_bytes(b"")
    _, found = taken(tmp_path / "class")
    assert len(found) == 2 and set(found["bob"].files) == {"variation_loss"}
    assert found["al"].problem == "al.zip cannot be opened (File is not a zip file); hand it in again"


def test_a_broken_zip_alone_has_a_sentence(tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK")
    _, found = taken(tmp_path / "broken.zip")
    assert found["broken"].problem == "broken.zip cannot be opened (File is not a zip file); hand it in again"


def test_a_link_in_a_class_is_refused(tmp_path):
    folder = write(tmp_path / "class", "bob/variation_loss.py")
    (folder / "eve").symlink_to(write(tmp_path / "other", "variation_loss.py"))
    intake, raw = taken(folder)
    assert set(raw) == {"bob"}
    assert [(each.path, each.reason) for each in intake.left_out] == [
        ("eve", "it is a link; put the files themselves there")
    ]


def test_a_stray_file_does_not_make_one_submission_of_a_class(tmp_path):
    intake, raw = taken(write(tmp_path / "class", "variation_loss.py", "bob/variation_loss.py", "al/variation_loss.py"))
    assert set(raw) == {"bob", "al"}
    assert intake.left_out[0].reason.startswith("it lies beside the students' folders")


@pytest.mark.parametrize(
    "names",
    [
        ("variation_loss.py", "ideal_image.py"),
        ("variation_loss.py", "old/variation_loss.py", "my_work/variation_loss.py"),
        ("exercises/variation_loss.py", "my_work/variation_loss.py"),
        ("variaton_los.py",),
    ],
)
def test_one_submission_is_no_class(names, tmp_path):
    assert len(taken(write(tmp_path / "bob", *names))[1]) == 1


def test_two_folders_are_one_submission_if_that_is_asked_for(tmp_path):
    folder = write(tmp_path / "submission", "part1/variation_loss.py", "part2/ideal_image.py")
    _, raw = taken(folder, "one")
    assert set(raw["submission"].files) == {"variation_loss", "ideal_image"}


def test_names_in_any_normal_form_are_one_name(tmp_path):
    folder = write(tmp_path / "class", unicodedata.normalize("NFD", "Zoë/variation_loss.py"), "Bo/variation_loss.py")
    assert set(taken(folder)[1]) == {"Zoë", "Bo"}


def test_two_folders_that_show_the_same_name_are_both_kept(tmp_path):
    names = [unicodedata.normalize(form, "Zoë/variation_loss.py") for form in ("NFC", "NFD")]
    for path in (
        write(tmp_path / "class", *names, "Bo/variation_loss.py"),
        zipped(tmp_path / "class.zip", *names, "Bo/a.py"),
    ):
        _, found = taken(path)
        assert len(found) == 3 and sum("variation_loss" in each.files for each in found.values()) >= 2


def test_names_that_differ_in_case_alone_are_two_students(tmp_path):
    assert set(taken(write(tmp_path / "class", "Al/variation_loss.py", "al/variation_loss.py"))[1]) == {"Al", "al"}


def test_two_students_of_one_name_are_told_apart_by_the_platforms_number(tmp_path):
    names = [f"Jane Doe_{number}_assignsubmission_file_/variation_loss.py" for number in (7, 8)]
    assert set(taken(write(tmp_path / "class", *names))[1]) == {"Jane Doe-7", "Jane Doe-8"}


def test_two_students_of_one_name_in_brightspace_have_a_row_each(tmp_path):
    names = [f"{number}-7 - Jane Doe - Nov {number}, 2026 1159 PM/variation_loss.py" for number in (3, 4)]
    assert sorted(taken(write(tmp_path / "class", *names))[0].hand_ins) == ["Jane Doe-3", "Jane Doe-4"]


def test_a_group_has_a_row_for_each_member(tmp_path):
    folder = write(tmp_path / "class", "submission_1/variation_loss.py")
    facts = "submission_1:\n  :submitters:\n  - :name: Ann\n    :sid: '1'\n  - :name: Bob\n    :sid: '2'\n"
    write(folder, "submission_metadata.yml", text=facts)
    intake, raw = taken(folder)
    assert raw["Ann"].files == raw["Bob"].files and raw["Ann"].digest == raw["Bob"].digest
    assert intake.sentence == "a download of Gradescope: 2 students, 1 group"


@pytest.mark.parametrize("names", [("Dan", "Daniel"), ("Dan", "Dan")])
def test_members_whose_names_begin_alike_are_told_apart(names, tmp_path):
    folder = write(tmp_path / "class", "submission_1/variation_loss.py")
    members = "".join(f"  - :name: {name}\n    :sid: '{number}'\n" for number, name in enumerate(names))
    write(folder, "submission_metadata.yml", text=f"submission_1:\n  :submitters:\n{members}")
    intake, _ = taken(folder)
    assert [hand_in.student_named(name).id for name, hand_in in intake.hand_ins.items()] == ["0", "1"]


def test_a_form_that_it_is_not_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is no download of canvas; leave --from out, or give another of one, folders"):
        take_in([write(tmp_path / "class", "al/variation_loss.py")], UNITS, "canvas")


def test_files_inside_a_download_keep_their_own_names(tmp_path):
    intake, _ = taken(write(tmp_path / "class", *CLASSES["canvas"]))
    assert {path for each in intake.hand_ins.values() for path in each.files} == {PurePosixPath("variation_loss.py")}


def packed(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize("top", ["", "Lab 3/"])
def test_a_zip_with_a_folder_or_an_archive_for_each_is_a_class(tmp_path, top):
    inner = packed({"work/doubling.py": "x = 1\n"})
    files = {f"{top}anna/doubling.py": "", f"{top}bert.zip": inner, f"{top}carl/hw.zip": packed({"hw.zip": inner})}
    (tmp_path / "class.zip").write_bytes(packed(files))
    intake = take_in([tmp_path / "class.zip"], {"doubling"})
    assert intake.form == "a zip of submissions" and sorted(intake.hand_ins) == ["anna", "bert", "carl"]
    for name, hand_in in intake.hand_ins.items():
        assert list(collect_hand_in(hand_in, name, ["doubling"]).files) == ["doubling"]


@pytest.mark.parametrize(
    "files",
    [
        ["exercises/doubling.py", "old/doubling.py"],
        ["doubling.py", "a/doubling.py", "b/doubling.py"],
        ["a/doubling.py"],
    ],
)
def test_a_zip_of_one_students_folders_is_one(tmp_path, files):
    (tmp_path / "anna.zip").write_bytes(packed(dict.fromkeys(files, "x = 1\n")))
    assert list(take_in([tmp_path / "anna.zip"], {"doubling"}).hand_ins) == ["anna"]


def test_archives_in_archives_are_opened_so_deep_and_no_deeper(tmp_path):
    data, ends = packed({"doubling.py": "x = 1\n"}), []
    for _ in range(4):
        (tmp_path / "anna.zip").write_bytes(data)
        (hand_in,) = take_in([tmp_path / "anna.zip"], {"doubling"}).hand_ins.values()
        ends.append(list(collect_hand_in(hand_in, "anna", ["doubling"]).files))
        data = packed({"inner.zip": data})
    assert ends == [["doubling"], ["doubling"], ["doubling"], []]


def test_a_list_beside_the_sections_is_told_and_hides_no_student(tmp_path):
    for name in ("A/alice", "A/bob", "B/carl"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "doubling.py").write_text("")
    (tmp_path / "README").write_text("")
    intake = take_in([tmp_path], {"doubling"})
    assert sorted(intake.hand_ins) == ["alice", "bob", "carl"]
    (left,) = intake.left_out
    assert left.path == "README" and left.reason.startswith("it lies beside the folders of the sections; if a student")


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-07-20 10:00:00 EEST", "2026-07-20T10:00:00+03:00"),
        ("2026-07-20 10:00:00 BST", "2026-07-20T10:00:00+01:00"),
        ("2026-07-20 10:00:00.5 +03", "2026-07-20T10:00:00.500000+03:00"),
        ("2026-07-20 10:00:00 Z", "2026-07-20T10:00:00+00:00"),
        ("2026-07-20 10:00:00", "2026-07-20T10:00:00"),
        ("2026-07-20 10:00:00 IST", ""),  # India's, Israel's or Ireland's
        ("2026-07-20 10:00:00 XYZ", ""),
    ],
)
def test_an_abbreviation_of_a_zone_counts_if_it_has_one_meaning(written, moment):
    assert timestamp(written.encode()) == moment


def test_the_later_attempt_counts_whatever_its_zone(tmp_path):
    """10:30 in summer time is before 10:00 in winter time."""
    facts = "submission_{}:\n  :submitters:\n  - :name: Ann\n    :email: ann@x\n  :created_at: {}\n"
    write(tmp_path / "class", "submission_1/variation_loss.py", "submission_2/variation_loss.py")
    (tmp_path / "class" / "submission_metadata.yml").write_text(
        facts.format(1, "2026-10-25T03:30:00+03:00") + facts.format(2, "2026-10-25T03:00:00+02:00")
    )
    intake = take_in([tmp_path / "class"], UNITS)
    assert intake.hand_ins["Ann"].at == "2026-10-25T03:00:00+02:00"
    assert [each.at for each in intake.earlier["Ann"]] == ["2026-10-25T03:30:00+03:00"]


def test_nbgraders_timestamps_are_moments(tmp_path):
    for name, moment in (
        ("jane", "2026-11-20 10:00:00.5 UTC"),
        ("bob", "2026-11-20 10:00:00 Europe/Vilnius"),
        ("li", "x"),
    ):
        folder = tmp_path / "submitted" / name / "lab"
        folder.mkdir(parents=True)
        (folder / "doubling.py").write_text("")
        (folder / "timestamp.txt").write_text(moment)
    moments = {name: each.at for name, each in take_in([tmp_path], {"doubling"}).hand_ins.items()}
    assert moments == {"jane": "2026-11-20T10:00:00.500000+00:00", "bob": "2026-11-20T10:00:00+02:00", "li": ""}


@pytest.mark.parametrize(
    "names",
    [
        ["A/al/variation_loss.py", "A/bo/variation_loss.py", "B/al/variation_loss.py", "B/cy/variation_loss.py"],
        ["A/al_variation_loss.py", "A/bo_variation_loss.py", "B/cy_variation_loss.py", "B/di_variation_loss.py"],
        ["A/variation_loss_al.py", "A/variation_loss_bo.py", "B/variation_loss_cy.py", "B/variation_loss_di.py"],
    ],
)
def test_sections_of_any_form_are_a_class(names, tmp_path):
    intake, found = taken(write(tmp_path / "class", *names))
    assert intake.form == "folders of sections" and len(found) == 4
    assert all(list(raw.files) == ["variation_loss"] for raw in found.values())


def test_sections_may_be_zips_or_hold_them(tmp_path):
    for section in "AB":
        for number in (1, 2):
            zipped(tmp_path / "class" / section / f"{section}{number}.zip", "variation_loss.py")
        zipped(tmp_path / "zips" / f"{section}.zip", *(f"{section}{n}_1{n}_2{n}_variation_loss.py" for n in (1, 2)))
    for folder in ("class", "zips"):
        intake, found = taken(tmp_path / folder)
        assert intake.form == "folders of sections" and list(found) == ["A1", "A2", "B1", "B2"]
        assert all(raw.files for raw in found.values())


def test_a_zip_of_zips_is_read_as_the_folder_of_them_is(tmp_path):
    sections = {f"{each}.zip": packed({f"{each}{n}/variation_loss.py": CODE for n in (1, 2)}) for each in "AB"}
    weeks = {f"{unit}.zip": packed({f"{who}/{unit}.py": CODE for who in ("al", "bo")}) for unit in UNITS}
    for above in ("", "term/"):
        files = {f"{above}{name}": data for name, data in sections.items()}
        intake, found = taken(zipped(tmp_path / "sections.zip", f"{above}README.md", **files))
        assert intake.form == "folders of sections" and list(found) == ["A1", "A2", "B1", "B2"]
        assert all(raw.files for raw in found.values())
        assert [left.path for left in intake.left_out] == [f"{above}README.md"]
        files = {f"{above}{name}": data for name, data in weeks.items()}
        assert units_by_student(zipped(tmp_path / "weeks.zip", **files)) == {"al": set(UNITS), "bo": set(UNITS)}
        entries_of.cache_clear()


@pytest.mark.parametrize("form", CLASSES)
@pytest.mark.parametrize("above", ["", "export/"])
def test_the_zip_of_a_class_may_lie_in_a_zip_beside_a_list(above, form, tmp_path):
    inner = {f"{above}class.zip": packed(dict.fromkeys(CLASSES[form], CODE)), f"{above}roster.csv": b""}
    intake, found = taken(zipped(tmp_path / "export.zip", **inner))
    assert len(found) == 3 and all(set(each.files) == {"variation_loss"} for each in found.values())
    assert [left.path for left in intake.left_out] == [f"{above}roster.csv"]


def test_the_path_of_an_inner_zip_leads_nowhere(tmp_path):
    """A zip inside is found by its name in the zip, and never on the disk."""
    secret = zipped(tmp_path / "secret.zip", *CLASSES["folders"])
    for name in (str(secret), "../secret.zip", "a/../../secret.zip"):
        path = zipped(tmp_path / "class" / "bad.zip", **{name: b"no zip"})
        assert len(taken(path)[1]) == 1
        entries_of.cache_clear()


def test_a_zip_of_sections_of_which_one_is_broken_is_remarked_on(tmp_path):
    good = packed({"al/variation_loss.py": CODE, "bo/variation_loss.py": CODE})
    intake, found = taken(zipped(tmp_path / "class.zip", **{"A.zip": good, "B.zip": b"PK"}))
    assert intake.remarks == [f"2 files named variation_loss in A; {ADVICE}"]
    assert "B.zip cannot be opened" in str(found["B"])


def test_sections_are_taken_as_the_instructor_says(tmp_path):
    names = [f"{section}/{name}/variation_loss.py" for section in "AB" for name in ("al", "bo")]
    root = write(tmp_path / "class", *names)
    assert len(taken(root)[1]) == 2 and len(taken(root, "sections")[1]) == 4


@pytest.mark.parametrize(
    ("names", "students"),
    [
        (["variation_loss_al.py", "variation_loss_12345.py"], ["12345", "al"]),
        (["variation_loss - Al Ba.py", "bo_variation_loss.py"], ["Al Ba", "bo"]),
        (["variation_loss.py", "al_variation_loss.py", "bo_variation_loss.py"], ["al", "bo"]),
        (["variation_loss - Al.py", "variation_loss - Bo.py", "variation_loss (1) - Bo.py"], ["Al", "Bo"]),
        (["variation_loss_v1.py", "variation_loss_final.py"], ["class"]),
        (["variation_loss_al.py", "ideal_image_al.py"], ["class"]),
    ],
)
def test_files_may_bear_the_author_behind_the_unit(names, students, tmp_path):
    assert list(taken(write(tmp_path / "class", *names))[1]) == students


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("names", "students"),
    [
        (["s101_ideal_image_doe.py", "s102_ideal_image_li.py"], ["s101_doe", "s102_li"]),
        (["hw3_ideal_image_Jane_Doe.py", "hw3_ideal_image_Bo_Li.py"], ["Bo_Li", "Jane_Doe"]),
        (["Lab 3 ideal image - Al.ipynb", "Lab 3 ideal image - Bo.ipynb"], ["Al", "Bo"]),
        (["doe_ideal_image_2026-11-20.py", "li_ideal_image_2026-11-21.py"], ["doe", "li"]),
        (["ideal_image_doe_2026-11-20.py", "ideal_image_li_2026-11-21.py"], ["doe", "li"]),
        (["hw3_ideal_image_al.py", "hw3_ideal_image_al_v2.py", "hw3_ideal_image_bo.py"], ["al", "bo"]),
        (["Copy of ideal_image - Al Ba.ipynb", "Copy of ideal_image_bo.ipynb"], ["Al Ba", "bo"]),
        (["my_ideal_image_old.py", "my_ideal_image_test.py", "ideal_image_a.py"], ["class"]),
        (["hw3_ideal_image_part1.py", "hw3_ideal_image_part2.py"], ["class"]),
        (["ideal_image_2026-11-20.py", "ideal_image_2026-11-21.py"], ["class"]),
    ],
)
def test_files_may_have_words_on_both_sides_of_the_unit(names, students, packed, tmp_path):
    path = zipped(tmp_path / "class.zip", *names) if packed else write(tmp_path / "class", *names)
    _, found = taken(path)
    assert list(found) == students
    assert students == ["class"] or all(list(raw.files) == ["ideal_image"] for raw in found.values())


@pytest.mark.parametrize("name", ["al_variation_loss.PY", "variation_loss_al.PY", "al.IPYNB"])
def test_an_ending_in_capital_letters_is_read(name, tmp_path):
    intake, found = taken(write(tmp_path / "class", name, "bo_variation_loss.py", "cy/variation_loss.py"))
    assert list(found) == ["al", "bo", "cy"] and intake.left_out == []


def test_archives_that_bear_an_author_and_a_unit_are_one_hand_in(tmp_path):
    for name in ("al_variation_loss", "al_ideal_image", "bo_ideal_image"):
        zipped(tmp_path / "class" / f"{name}.zip", f"{name[3:]}.py")
    _, found = taken(tmp_path / "class")
    assert {name: set(raw.files) for name, raw in found.items()} == {"al": set(UNITS), "bo": {"ideal_image"}}


@pytest.mark.parametrize("mark", [".grading", "graded.json"])
@pytest.mark.parametrize("form", ["canvas", "folders"])
def test_results_inside_the_class_are_nobodys_hand_in(form, mark, tmp_path):
    root = write(tmp_path / "class", *CLASSES[form], f"out/{mark}", *(f"out/results/{n}.json" for n in range(9)))
    intake, found = taken(root)
    assert len(found) == 3 and intake.left_out == []


def test_an_attempt_without_a_file_takes_nothing_back(tmp_path):
    stem = "Lab_jane_attempt_2026-11-2{}-10-00-00"
    root = write(
        tmp_path / "class", stem.format(0) + "_variation_loss.py", stem.format(1) + ".txt", text="Name: J (jane)"
    )
    intake, found = taken(root)
    assert found["J"].files and intake.hand_ins["J"].at == "2026-11-20T10:00:00"


def test_names_in_utf_8_need_no_flag_in_a_zip(tmp_path):
    data = zipped(tmp_path / "a.zip", "JXXrgen/variation_loss.py", "ZoXX/variation_loss.py").read_bytes()
    (tmp_path / "b.zip").write_bytes(data.replace(b"JXXrgen", "Jürgen".encode()).replace(b"ZoXX", "Zoë".encode()))
    assert set(taken(tmp_path / "b.zip")[1]) == {"Jürgen", "Zoë"}


def test_an_archive_of_a_kind_that_is_not_read_has_a_row_and_a_sentence(tmp_path):
    root = write(tmp_path / "class", "al.tar.zst", "bo.7z", "cy/lab.rar", "di/variation_loss.py")
    _, found = taken(root)
    assert set(found) == {"al", "bo", "cy", "di"}
    assert found["al"].problem == "al.tar.zst is an archive of a kind that is not read here; hand in a .zip"
    assert found["cy"].notes == ("lab.rar is an archive of a kind that is not read here; hand in a .zip",)


def test_an_archive_beside_a_unit_that_may_hold_another_is_told(tmp_path):
    root = write(tmp_path / "class", "al/variation_loss.py", "al/rest.rar", "al/labels.gz", "bo/variation_loss.py")
    zipped(root / "bo" / "rest.zip", "ideal_image.py")
    write(root, "cy/variation_loss.py", "cy/ideal_image.py")
    zipped(root / "cy" / "data.zip", "data.txt")
    _, found = taken(root)
    assert found["al"].notes == ("rest.rar is an archive of a kind that is not read here; hand in a .zip",)
    assert found["bo"].notes == ("rest.zip was not opened; hand in the files themselves",)
    assert found["cy"].notes == ()


def test_microsoft_teams_numbers_the_versions(tmp_path):
    root = tmp_path / "Submitted files"
    for number in (1, 2, 10):
        write(root, f"Al Ba/Lab/Version {number}/variation_loss.py", text=f"{CODE}# {number}\n")
    write(root, "Bo/Lab/Version 1/variation_loss.py")
    _, found = taken(tmp_path)
    assert set(found) == {"Al Ba", "Bo"} and b"# 10" in found["Al Ba"].files["variation_loss"].data


def test_an_encrypted_download_has_a_row_and_a_sentence_for_each(tmp_path):
    stem = "Lab_{}_attempt_2026-11-20-10-00-00{}"
    names = [stem.format(login, end) for login in ("al", "bo") for end in (".txt", "_variation_loss.py")]
    data = bytearray(zipped(tmp_path / "class.zip", *names).read_bytes())
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = -1
        while (start := data.find(signature, start + 1)) >= 0:
            data[start + place] |= 1
    (tmp_path / "class.zip").write_bytes(data)
    _, found = taken(tmp_path / "class.zip")
    assert list(found) == ["al", "bo"]
    assert all("it is encrypted" in raw.files["variation_loss"].fault for raw in found.values())


@pytest.mark.parametrize(
    ("folders", "students"),
    [
        (["al/v1", "al/v2", "bo/draft", "bo/final"], ["al", "bo"]),
        (["A/Newton", "A/Oldman", "B/Finley", "B/Lastova"], ["Finley", "Lastova", "Newton", "Oldman"]),
        (["variation_loss", "ideal_image"], ["class"]),
    ],
)
def test_folders_of_versions_or_units_are_no_students(folders, students, tmp_path):
    root = write(tmp_path / "class", *(f"{folder}/variation_loss.py" for folder in folders))
    assert list(taken(root)[1]) == students


def test_archives_named_as_units_are_one_submission(tmp_path):
    for unit in UNITS:
        zipped(tmp_path / "al" / f"{unit}.zip", f"{unit}.py")
    assert {name: set(raw.files) for name, raw in taken(tmp_path / "al")[1].items()} == {"al": set(UNITS)}


def test_of_a_whole_course_of_nbgraders_what_was_handed_in_is_the_class(tmp_path):
    names = ["source/lab/variation_loss.ipynb", "release/lab/variation_loss.ipynb", "gradebook.db"]
    intake, found = taken(write(tmp_path / "class", *CLASSES["nbgrader"], *names))
    assert list(found) == ["alice", "bob", "carl"] and intake.left_out == []


@pytest.mark.slow
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_class_may_hold_more_files_than_a_submission(form, tmp_path):
    names = [
        f"{name}_{n}_assignsubmission_file_/data/{i}.txt" for n, name in enumerate(("Al", "Bo")) for i in range(5_001)
    ]
    path = write(tmp_path / "class", *names) if form == "folder" else zipped(tmp_path / "class.zip", *names)
    intake, found = taken(path)
    assert intake.sentence == "a download of Moodle: 2 students" and not any(raw.problem for raw in found.values())


@pytest.mark.slow
def test_a_crowd_of_files_in_a_class_costs_its_own_student_alone(tmp_path):
    names = ["Al_1_assignsubmission_file_/variation_loss.py"]
    names += [f"Bo_2_assignsubmission_file_/{number}.txt" for number in range(10_001)]
    _, found = taken(zipped(tmp_path / "class.zip", *names))
    assert list(found["Al"].files) == ["variation_loss"]
    assert found["Bo"].problem == "the hand-in holds more than 10,000 files; hand in the course's own files only"


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_class_is_limited_too(form, tmp_path, monkeypatch):
    for module in ("entries", "hand_in"):
        monkeypatch.setattr(f"autograder.submissions.{module}.MAX_CLASS_ENTRIES", 2)
    names = CLASSES["folders"]
    path = write(tmp_path / "class", *names) if form == "folder" else zipped(tmp_path / "class.zip", *names)
    with pytest.raises(UnreadableError, match="holds more than 2 files"):
        entries_of(path)


@pytest.mark.parametrize(
    "names",
    [
        [".DS_Store", "al/variation_loss.py", "bo/variation_loss.py"],
        ["class/.DS_Store", "class/al/variation_loss.py", "class/bo/variation_loss.py"],
        ["class/roster.csv", "class/al/variation_loss.py", "class/bo/variation_loss.py"],
    ],
)
def test_a_file_beside_the_folders_hides_no_student_of_a_zip(names, tmp_path):
    assert list(taken(zipped(tmp_path / "class.zip", *names))[1]) == ["al", "bo"]


@pytest.mark.parametrize("beside", [".DS_Store", "roster.csv"])
def test_a_file_beside_the_archives_hides_no_student_of_a_zip(beside, tmp_path):
    inner = packed({"variation_loss.py": CODE})
    path = zipped(tmp_path / "class.zip", f"class/{beside}", **{"class/al.zip": inner, "class/bo.zip": inner})
    assert {name: list(raw.files) for name, raw in taken(path)[1].items()} == {
        who: ["variation_loss"] for who in ("al", "bo")
    }


@pytest.mark.parametrize(
    "names",
    [
        ["variation_loss/variation_loss.ipynb", "ideal_image/ideal_image.ipynb"],
        ["al/README.md", "al/Variation Loss/variation_loss.py", "al/Ideal Image/ideal_image.py"],
        ["al/README.md", "al/part1/variation_loss.py", "al/part2/ideal_image.py"],
        ["al/readme.txt", "al/v1/variation_loss.py", "al/v2/variation_loss.py"],
    ],
)
def test_a_zip_with_a_folder_for_each_unit_is_one_submission(names, tmp_path):
    assert list(taken(zipped(tmp_path / "al.zip", *names))[1]) == ["al"]


def test_a_zip_with_an_archive_for_each_unit_is_one_submission(tmp_path):
    nested = {f"{unit}.zip": packed({f"{unit}.py": CODE}) for unit in UNITS}
    _, found = taken(zipped(tmp_path / "al.zip", **nested))
    assert {name: set(raw.files) for name, raw in found.items()} == {"al": set(UNITS)}


@pytest.mark.parametrize(
    "names",
    [
        ["variation_loss.py", "my_variation_loss.py", "old_variation_loss.py"],
        ["variation_loss.py", "test_variation_loss.py", "Kopie von variation_loss.py", "check_variation_loss.py"],
        ["variation_loss.py", "v1/variation_loss.py", "v2/variation_loss.py"],
        ["variation_loss.py", "lessons/variation_loss.py", "skeletons/variation_loss.py"],
    ],
)
def test_files_and_folders_of_a_students_own_are_no_class(names, tmp_path):
    assert list(taken(write(tmp_path / "al", *names))[1]) == ["al"]


@pytest.mark.parametrize(
    "names",
    [
        ["al variation loss.py", "bo variation-loss.ipynb"],
        ["variation-loss al.py", "Variation Loss bo.ipynb"],
        ["al - Copy of variation_loss.py", "bo - Kopie von variation_loss.ipynb"],
    ],
)
def test_authors_are_told_however_the_unit_is_written(names, tmp_path):
    _, found = taken(write(tmp_path / "class", *names))
    assert {name: list(raw.files) for name, raw in found.items()} == {who: ["variation_loss"] for who in ("al", "bo")}


@pytest.mark.parametrize(
    "names",
    [
        ["my_variation_loss.py", "anna_variation_loss.py"],
        ["my/variation_loss.py", "anna/variation_loss.py", "variation_loss.py"],
    ],
)
def test_a_students_name_may_be_a_word_for_ones_own_files(names, tmp_path):
    assert list(taken(write(tmp_path / "class", *names))[1]) == ["anna", "my"]


def units_by_student(path: Path) -> dict[str, set[str]]:
    return {name: set(raw.files) for name, raw in taken(path)[1].items()}


#: Two assignments of Al and Bo, each in a folder of its own, in the forms of the platforms and as plain folders and files.
ASSIGNMENTS = {
    "canvas": ["{lab}/al_11_{n}1_{unit}.py", "{lab}/bo_12_{n}2_{unit}.py"],
    "moodle": [f"{{lab}}/{who}_{{n}}{k}_assignsubmission_file_/{{unit}}.py" for k, who in enumerate(("al", "bo"))],
    "blackboard": [f"{{lab}}/L{{n}}_{who}_attempt_2026-11-2{{n}}-10-00-00_{{unit}}.py" for who in ("al", "bo")],
    "brightspace": [f"{{lab}}/1-2 - {who} - Nov {{n}}, 2026 1159 PM/{{unit}}.py" for who in ("al", "bo")],
    "sakai": [f"{{lab}}/{who}({who})/Submission attachment(s)/{{unit}}.py" for who in ("al", "bo")],
    "folders": ["{lab}/al/{unit}.py", "{lab}/bo/{unit}.py"],
    "files": ["{lab}/al_{unit}.py", "{lab}/bo_{unit}.py"],
}


def two_assignments(form: str, labs=("week1", "week2")) -> list[str]:
    filled = zip(labs, UNITS, (1, 2), strict=True)
    return [name.format(lab=lab, unit=unit, n=n) for lab, unit, n in filled for name in ASSIGNMENTS[form]]


@pytest.mark.parametrize("labs", [("week1", "week2"), UNITS, ("course/week1", "course/week2")])
@pytest.mark.parametrize("form", ASSIGNMENTS)
def test_two_assignments_of_a_class_count_together(form, labs, tmp_path):
    names = two_assignments(form, labs)
    for path in (write(tmp_path / "class", *names), zipped(tmp_path / "class.zip", *names)):
        assert units_by_student(path) == {"al": set(UNITS), "bo": set(UNITS)}


def test_assignments_may_be_zips_or_hold_them(tmp_path):
    for lab, unit in zip(("lab1", "lab2"), UNITS, strict=True):
        zipped(tmp_path / "zips" / f"{lab}.zip", f"al/{unit}.py", f"bo/{unit}.py")
        for who in ("al", "bo"):
            zipped(tmp_path / "class" / lab / f"{who}.zip", f"{unit}.py")
    for folder in ("class", "zips"):
        assert units_by_student(tmp_path / folder) == {"al": set(UNITS), "bo": set(UNITS)}


def test_whoever_handed_in_one_assignment_of_two_keeps_it(tmp_path):
    names = ["lab1/al/variation_loss.py", "lab1/bo/variation_loss.py", "lab2/al/ideal_image.py"]
    for path in (write(tmp_path / "class", *names), zipped(tmp_path / "class.zip", *names)):
        assert units_by_student(path) == {"al": set(UNITS), "bo": {"variation_loss"}}


def test_the_latest_moment_stands_for_the_hand_ins_of_several_assignments(tmp_path):
    intake, _ = taken(write(tmp_path / "class", *two_assignments("blackboard")))
    assert intake.sentence == "folders of assignments: 2 students"
    assert {each.at for each in intake.hand_ins.values()} == {"2026-11-22T10:00:00"}


def test_an_earlier_attempt_at_one_assignment_stands_beside_the_others(tmp_path):
    first = "week1/L1_al_attempt_2026-11-20-10-00-00_variation_loss.py"
    intake, _ = taken(write(tmp_path / "class", first, *two_assignments("blackboard")))
    (left,) = intake.left_out
    assert (left.path, left.reason) == (first, "an earlier attempt, of 2026-11-20T10:00:00")
    (earlier,) = intake.earlier["al"]
    assert set(collect_hand_in(earlier, "al", UNITS).files) == set(UNITS)


def test_an_archive_for_one_assignment_is_opened_beside_a_file_for_another(tmp_path):
    write(tmp_path / "class", "lab1/al/variation_loss.py", "lab1/bo/variation_loss.py", "lab2/bo/ideal_image.py")
    zipped(tmp_path / "class" / "lab2" / "al.zip", "ideal_image.py")
    assert units_by_student(tmp_path / "class")["al"] == set(UNITS)


def test_what_cannot_be_opened_for_one_assignment_takes_nothing_from_another(tmp_path):
    write(tmp_path / "class", *two_assignments("folders"), "week2/cy/ideal_image.py", "week1/cy.zip", text=CODE)
    _, found = taken(tmp_path / "class")
    assert set(found["cy"].files) == {"ideal_image"}
    assert "cy.zip cannot be opened (File is not a zip file); hand it in again" in found["cy"].notes


def test_an_archive_that_cannot_be_opened_costs_nothing_of_another_beside_it(tmp_path):
    sound = zipped(tmp_path / "sound.zip", "variation_loss.py").read_bytes()
    path = zipped(tmp_path / "class" / "al.zip", **{"a.zip": sound, "b.zip": b"PK", "c.zip": sound})
    path.write_bytes(path.read_bytes().replace(CODE[:9].encode(), b"damaged!!", 1))  # in the first of the three
    _, found = taken(zipped(tmp_path / "class.zip", **{"al.zip": path.read_bytes(), "bo.zip": sound}))
    assert set(found["al"].files) == {"variation_loss"} and not found["al"].problem


def test_the_same_unit_in_two_sections_is_another_hand_in_and_no_assignment(tmp_path):
    """Canvas tells no moments: which is later is said not to be known, and the folder that comes last stands."""
    names = ["A/al_1_2_variation_loss.py", "A/bo_3_4_variation_loss.py", "B/al_1_5_variation_loss.py"]
    for path in (write(tmp_path / "class", *names), zipped(tmp_path / "class.zip", *names)):
        intake, _ = taken(path)
        assert [str(each) for each in intake.hand_ins["al"].files.values()] == [names[2]]
        assert [(left.path, left.reason) for left in intake.left_out] == [
            (
                names[0],
                "an earlier hand-in of the same student, by the platform's number of the upload",
            )
        ]


COURSES_OWN = [
    ["variation_loss.py"],
    ["exercises/a.py", "exercises/variation_loss.py", *(f"exercises/{n}" for n in range(9))],
]


@pytest.mark.parametrize("own", COURSES_OWN)
@pytest.mark.parametrize("form", ["canvas", "moodle", "folders"])
def test_files_of_the_course_beside_a_class_hide_no_student(own, form, tmp_path):
    names = [*CLASSES[form], *own]
    for path in (write(tmp_path / "class", *names), zipped(tmp_path / "class.zip", *names)):
        intake, found = taken(path)
        assert len(found) == 3 and all(raw.files for raw in found.values())
        assert intake.left_out


@pytest.mark.parametrize("own", ["variation_loss.py", "variation_loss_solution.py", "exercises/variation_loss.py"])
def test_files_of_the_course_beside_archives_hide_no_student(own, tmp_path):
    inner = packed({"variation_loss.py": CODE})
    for who in ("al", "bo"):
        zipped(write(tmp_path / "class", own) / f"{who}.zip", "variation_loss.py")
    path = zipped(tmp_path / "class.zip", own, **{"al.zip": inner, "bo.zip": inner})
    for each in (tmp_path / "class", path):
        assert units_by_student(each) == {"al": {"variation_loss"}, "bo": {"variation_loss"}}


def test_archives_of_a_students_own_beside_a_unit_are_no_students(tmp_path):
    zipped(write(tmp_path / "al", "variation_loss.py") / "old.zip", "variation_loss.py")
    zipped(tmp_path / "al" / "pictures.zip", "cat.txt")
    assert units_by_student(tmp_path / "al") == {"al": {"variation_loss"}}


@pytest.mark.parametrize("form", ["canvas", "moodle", "folders", "files"])
def test_a_class_in_a_folder_named_as_its_unit_is_the_class(form, tmp_path):
    names = [f"variation_loss/{name}" for name in CLASSES[form]]
    for path in (write(tmp_path / "class", *names), zipped(tmp_path / "class.zip", *names)):
        assert len(taken(path)[1]) == 3


def test_versions_in_folders_of_units_are_one_submission(tmp_path):
    root = write(tmp_path / "al", "variation_loss/v1/variation_loss.py", "variation_loss/v2/variation_loss.py")
    assert list(taken(root)[1]) == ["al"]


@pytest.mark.parametrize("form", ["canvas", "moodle", "folders", "files"])
def test_a_list_and_a_read_me_beside_the_folder_of_the_class_are_told_and_hide_nobody(form, tmp_path):
    names = ["README.md", "roster.csv", *(f"submissions/{name}" for name in CLASSES[form])]
    for path in (write(tmp_path / "class", *names), zipped(tmp_path / "class.zip", *names)):
        intake, found = taken(path)
        assert len(found) == 3 and {left.path for left in intake.left_out} == {"README.md", "roster.csv"}


def test_a_zip_of_files_that_bear_authors_is_read_as_its_folder_is(tmp_path):
    for top in ("", "sub/"):
        for names in (
            ["al_variation_loss.py", "bo_variation_loss.py"],
            ["variation_loss_al.py", "variation_loss_bo.py"],
        ):
            assert list(taken(zipped(tmp_path / "class.zip", *(top + name for name in names)))[1]) == ["al", "bo"]
            entries_of.cache_clear()
    assert list(taken(zipped(tmp_path / "al.zip", "al_variation_loss.py", "al_ideal_image.py"))[1]) == ["al"]


ADVICE = "if these are students, say `--from folders` or `--from sections`"


@pytest.mark.parametrize(
    ("names", "remarks"),
    [
        (["variation_loss.py", "part/al/variation_loss.py", "part/bo/variation_loss.py"], "class"),
        (["A/al/variation_loss.py", "A/bo/variation_loss.py", "B/al/variation_loss.py"], "A"),
        (["variation_loss.py", "old/variation_loss.py", "v2/variation_loss.py", "al/ideal_image.py"], None),
        (["al/variation_loss.py", "bo/variation_loss.py"], None),
    ],
)
def test_one_hand_in_with_a_unit_in_several_places_is_remarked_on(names, remarks, tmp_path):
    intake, _ = taken(write(tmp_path / "class", *names))
    assert intake.remarks == ([f"2 files named variation_loss in {remarks}; {ADVICE}"] if remarks else [])


def test_files_named_by_students_alone_are_remarked_on(tmp_path):
    intake, _ = taken(write(tmp_path / "class", "al.py", "bo.py"))
    said = "2 files in class, and none is named as a unit; if these are students, name them such as jane_ideal_image.py"
    assert intake.remarks == [said]


@pytest.mark.parametrize("packed", [False, True])
def test_files_side_by_side_that_bear_one_unit_and_are_one_submission_are_remarked_on(packed, tmp_path):
    names = ["hw3_ideal_image_part1.py", "hw3_ideal_image_part2.py", "hw3_ideal_image_part3.py"]
    path = zipped(tmp_path / "class.zip", *names) if packed else write(tmp_path / "class", *names)
    assert take_in([path], UNITS).remarks == [
        "3 files side by side in class bear the name of ideal_image, and are graded as one student's;"
        " if these are students, name them such as jane_ideal_image.py"
    ]


@pytest.mark.parametrize(
    "names", [["my_ideal_image.py", "ideal_image.py", "test_ideal_image.py"], ["al_ideal_image.py"]]
)
def test_a_students_own_files_are_not_remarked_on(names, tmp_path):
    assert take_in([write(tmp_path / "class", *names)], UNITS).remarks == []


def test_of_attempts_at_several_assignments_only_what_does_not_count_is_told(tmp_path):
    first = "week1/L1_al_attempt_2026-11-20-10-00-00_variation_loss.py"
    intake, _ = taken(write(tmp_path / "class", first, *two_assignments("blackboard")))
    best = best_attempts(intake, lambda attempt, *_: float(attempt == "al, attempt 1"))
    assert [left.path for left in best.left_out] == ["week1/L1_al_attempt_2026-11-21-10-00-00_variation_loss.py"]


def test_an_attempt_that_cannot_be_graded_is_worse_than_one_below_zero(tmp_path):
    names = [f"L1_al_attempt_2026-11-2{day}-10-00-00_variation_loss.py" for day in (0, 1)]
    intake, _ = taken(write(tmp_path / "class", *names))
    best = best_attempts(intake, lambda attempt, *_: -2.0 if attempt == "al, attempt 1" else None)
    assert [left.path for left in best.left_out] == names[1:]


@pytest.mark.parametrize("above", ["", "class/"])
def test_files_beside_the_folders_of_a_zip_are_students_as_in_a_folder(above, tmp_path):
    names = [
        *("alice/variation_loss.py", "bob/variation_loss.py", "carl_variation_loss.py"),
        *("variation_loss_eve.py", "dora.py", "fred.rar", "ideal_image.py"),
    ]
    students = ["alice", "bob", "carl", "dora", "eve", "fred"]
    assert list(take_in([write(tmp_path / "class", *names)], UNITS).hand_ins) == students
    intake, submissions = taken(zipped(tmp_path / "class.zip", *(above + name for name in names)), "folders")
    assert list(submissions) == students
    assert [left.path for left in intake.left_out] == [f"{above}ideal_image.py"]
    assert "hand in a .zip" in intake.hand_ins["fred"].problem


def test_students_of_a_zip_may_lie_some_folders_deep_if_folders_are_asked_for(tmp_path):
    path = zipped(tmp_path / "class.zip", *(f"class/week 1/{who}/variation_loss.py" for who in ("alice", "bob")))
    assert list(take_in([path], UNITS, "folders").hand_ins) == ["alice", "bob"]


def test_a_student_in_several_downloads_has_rows_that_say_whose_they_are(tmp_path):
    first = write(tmp_path / "lab1", "doejane_1_11_variation_loss.py", "roejoe_2_12_variation_loss.py")
    second = write(tmp_path / "lab2", "doejane_1_21_ideal_image.py", "roejoe_2_22_ideal_image.py")
    intake = take_in([first, second], UNITS)
    assert list(intake.hand_ins) == ["doejane", "doejane-lab2", "roejoe", "roejoe-lab2"]
    assert [each.student_named(name).id for name, each in intake.hand_ins.items()] == ["1", "1", "2", "2"]
    assert intake.remarks == [
        "in several of these paths, with a row for each: doejane and 1 more;"
        " if these are assignments of one class, put them into one folder and give that"
    ]


def test_a_student_in_several_given_paths_is_told_also_if_one_holds_nobody_else(tmp_path):
    alone = [zipped(tmp_path / week / "ann.zip", "variation_loss.py") for week in ("week1", "week2")]
    of_class = zipped(tmp_path / "week3.zip", "ann/variation_loss.py", "bob/variation_loss.py")
    for given in (alone, [alone[0], of_class]):
        (remark,) = take_in(given, UNITS).remarks
        assert remark.startswith("in several of these paths, with a row for each: ann;")
    assert take_in([alone[0], alone[0]], UNITS).remarks == []


def test_two_files_of_one_author_and_unit_are_both_kept(tmp_path):
    names = "jane_ideal_image.py", "jane-ideal_image.py", "bob_ideal_image.py"
    for path in (write(tmp_path / "class", *names), zipped(tmp_path / "class.zip", *names)):
        intake = take_in([path], UNITS)
        assert list(intake.hand_ins) == ["bob", "jane"]
        assert {file.name for file in intake.hand_ins["jane"].files.values()} == set(names[:2])


def test_files_beside_the_folders_go_to_their_authors_in_a_folder_as_in_a_zip(tmp_path):
    names = (
        *("jane/variation_loss.py", "bob/variation_loss.py", "ann_variation_loss.py", "ann.py", "ideal_image_max.py"),
        *("carol.py", "variation_loss.py", "notes.txt"),
    )
    folder = take_in([write(tmp_path / "class", *names)], UNITS)
    packed = take_in([zipped(tmp_path / "class.zip", *names)], UNITS)
    for intake in (folder, packed):
        assert list(intake.hand_ins) == ["ann", "bob", "carol", "jane", "max"]
        assert {left.path for left in intake.left_out} == {"variation_loss.py", "notes.txt"}
    assert folder.hand_ins["ann"].files == packed.hand_ins["ann"].files


def test_hand_ins_beside_sections_of_downloads_are_taken_in(tmp_path):
    sections = [f"{place}_{n}_1{n}_variation_loss.py" for n, place in enumerate(("A/al", "A/bo", "B/cy", "B/di"))]
    section = packed({f"{who}_{n}_2{n}_variation_loss.py": CODE for n, who in ((5, "ed"), (6, "fy"))})
    lone = packed({"variation_loss.py": CODE})
    names, zips = (
        [*sections, "gus_variation_loss.py", "hal/variation_loss.py", "docs/a.md", "list.csv"],
        {"C": section, "ike": lone},
    )
    root = write(tmp_path / "class", *names)
    for name, data in zips.items():
        (root / f"{name}.zip").write_bytes(data)
    files = {f"{name}.zip": data for name, data in zips.items()}
    for path in (root, zipped(tmp_path / "class.zip", *names, **files)):
        entries_of.cache_clear()
        intake, found = taken(path)
        assert intake.form == "folders of sections"
        assert list(found) == ["al", "bo", "cy", "di", "ed", "fy", "gus", "hal", "ike"]
        assert all(list(raw.files) == ["variation_loss"] for raw in found.values())
        assert {left.path for left in intake.left_out} == {"docs", "list.csv"}


def test_a_list_beside_sections_of_downloads_is_told(tmp_path):
    names = [f"{place}_{n}_1{n}_variation_loss.py" for n, place in enumerate(("A/al", "A/bo", "B/cy", "B/di"))]
    intake, found = taken(write(tmp_path / "class", *names, "list.csv"))
    assert len(found) == 4 and [left.path for left in intake.left_out] == ["list.csv"]


@pytest.mark.parametrize("names", [CLASSES["canvas"], CLASSES["moodle"], CLASSES["folders"]])
@pytest.mark.parametrize("wrapped", ["", "down/"])
def test_a_download_beside_its_own_folder_is_graded_once(names, wrapped, tmp_path):
    root = write(tmp_path / "class", *(f"down/{name}" for name in names))
    zipped(root / "down.zip", *(wrapped + name for name in names))
    intake, found = taken(root)
    assert len(found) == 3 and all(list(raw.files) == ["variation_loss"] for raw in found.values())
    (left,) = intake.left_out
    assert (left.path, left.reason) == ("down.zip", "the folder down holds the same files, and is graded in its place")


def test_a_download_under_another_name_beside_its_own_folder_is_graded_once(tmp_path):
    root = write(tmp_path / "class", *(f"down/{name}" for name in CLASSES["moodle"]))
    zipped(root / "Lab 3.zip", *CLASSES["moodle"])
    intake, found = taken(root)
    assert len(found) == 3 and [left.path for left in intake.left_out] == ["Lab 3.zip"]


def test_an_archive_beside_its_own_folder_is_no_second_student(tmp_path):
    root = write(tmp_path / "class", "al/variation_loss.py", "bo/variation_loss.py", "bo/old.py")
    zipped(root / "al.zip", "variation_loss.py")
    zipped(root / "bo.zip", "ideal_image.py")  # another work
    intake, found = taken(root)
    assert list(found) == ["al", "bo", "bo.zip"] and [left.path for left in intake.left_out] == ["al.zip"]


def test_a_download_among_the_students_folders_is_several_students(tmp_path):
    root = write(tmp_path / "class", "al/variation_loss.py", "bo/variation_loss.py")
    zipped(root / "late.zip", "cy_1_11_variation_loss.py", "di_2_12_variation_loss.py")
    assert list(taken(root)[1]) == ["al", "bo", "cy", "di"]


@pytest.mark.parametrize("above", ["", "term/"])
def test_a_units_file_beside_the_zips_of_a_term_hides_nobody(above, tmp_path):
    weeks = {
        f"{above}{n}.zip": packed({f"{who}/variation_loss.py": CODE for who in each})
        for n, each in (("A", ("al", "bo")), ("B", ("cy", "di")))
    }
    intake, found = taken(zipped(tmp_path / "class.zip", f"{above}variation_loss.py", **weeks))
    assert list(found) == ["al", "bo", "cy", "di"]
    assert [left.path for left in intake.left_out] == [f"{above}variation_loss.py"]


@pytest.mark.parametrize("above", ["", "term/"])
def test_a_class_that_lies_beside_a_units_file_and_is_not_opened_is_told(above, tmp_path):
    inner = packed({f"{who}/variation_loss.py": CODE for who in ("al", "bo")})
    (told,) = taken(zipped(tmp_path / "class.zip", f"{above}variation_loss.py", **{f"{above}A.zip": inner}))[0].remarks
    assert told == "A.zip in class holds the work of 2 students, and is not opened; grade it by itself"


@pytest.mark.parametrize(
    "version", ["_v2", "-v2", " final", "_final_v3", " (1)", "_new", "_copy", " - Copy", " - Copy (2)", "-kopija"]
)
@pytest.mark.parametrize("form", ["jane_variation_loss{}.py", "variation_loss_jane{}.py", "jane{}_variation_loss.py"])
def test_another_version_of_a_students_file_is_no_other_student(form, version, tmp_path):
    names = [form.format(version), form.format(""), form.format("").replace("jane", "bob")]
    for path in (write(tmp_path / "class", *names), zipped(tmp_path / "class.zip", *names)):
        intake, found = taken(path)
        assert list(found) == ["bob", "jane"] and list(found["jane"].files) == ["variation_loss"]
        assert set(intake.hand_ins["jane"].files.values()) == {PurePosixPath(name) for name in names[:2]}


def test_the_later_version_counts_also_if_its_word_stands_before_the_unit(tmp_path):
    names = ["jane_variation_loss.py", "jane_v2_variation_loss.py", "bob_variation_loss.py"]
    folder = write(tmp_path / "class", *names)
    (folder / names[1]).write_text(CODE.replace("1", "2"))
    _, found = taken(folder)
    assert b"return 2" in found["jane"].files["variation_loss"].data
    assert "by its name it is an earlier copy" in found["jane"].notes[0]


@pytest.mark.parametrize("other", ["jane_new_variation_loss.py", "jane-variation_loss.py"])
def test_a_file_that_may_be_meant_instead_is_told(other, tmp_path):
    folder = write(tmp_path / "class", "jane_variation_loss.py", other, "bob_variation_loss.py")
    (folder / other).write_text(CODE.replace("1", "2"))
    (note,) = taken(folder)[1]["jane"].notes
    assert "which of the two is meant cannot be told; hand in one file for variation_loss" in note


@pytest.mark.parametrize("form", ["{}_variation_loss.py", "{} - variation_loss.ipynb", "\u200e{}_variation_loss.py"])
def test_an_author_in_another_form_of_unicode_keeps_the_ending_of_the_file(form, tmp_path):
    names = [form.format("Zoe\u0308 Mu\u0308ller"), "bob_variation_loss.py"]
    for path in (write(tmp_path / "class", *names), zipped(tmp_path / "class.zip", *names)):
        _, found = taken(path)
        assert list(found["Zoë Müller"].files) == ["variation_loss"]


@pytest.mark.parametrize("ending", [".py.txt", ".ipynb.json", ".PY.TXT"])
def test_an_author_is_told_also_if_a_program_has_put_an_ending_behind(ending, tmp_path):
    names = ["jane_variation_loss.py", "bob_variation_loss.py", f"fi_variation_loss{ending}"]
    for path in (write(tmp_path / "class", *names), zipped(tmp_path / "class.zip", *names)):
        intake, found = taken(path)
        assert list(found) == ["bob", "fi", "jane"] and list(found["fi"].files) == ["variation_loss"]
        assert not intake.left_out


def test_a_number_behind_a_name_may_be_anothers(tmp_path):
    names = ["jane_variation_loss.py", "jane2_variation_loss.py", "jane_3_variation_loss.py"]
    assert list(taken(write(tmp_path / "class", *names))[1]) == ["jane", "jane2", "jane_3"]


def test_a_second_folder_of_a_student_is_told(tmp_path):
    names = [
        "jane/variation_loss.py",
        "jane (1)/variation_loss.py",
        "jane_new/variation_loss.py",
        "bob/variation_loss.py",
    ]
    (told,) = taken(write(tmp_path / "class", *names))[0].remarks
    assert told == ("jane (1) may be another version of jane's work (and 1 more such); take away what does not count")


@pytest.mark.parametrize("name", [".zip", ".py", ".tar.gz", "\u200e.zip", "\u200b.py", "\u200b/variation_loss.py"])
def test_a_name_of_an_ending_or_of_unseen_marks_alone_hides_no_student(name, tmp_path):
    names = ["jane/variation_loss.py", "bob/variation_loss.py", name]
    for path in (write(tmp_path / "class", *names), zipped(tmp_path / "class.zip", *names)):
        _, found = taken(path)
        assert {"jane", "bob"} <= found.keys() and "" not in found


def test_an_archive_and_its_folder_may_have_a_name_in_another_form_of_unicode(tmp_path):
    name = unicodedata.normalize("NFD", "Zoë")
    write(tmp_path, f"{name}/variation_loss.py", "bob/variation_loss.py")
    zipped(tmp_path / f"{name}.zip", "variation_loss.py")
    intake, found = taken(tmp_path)
    assert list(found) == ["bob", "Zoë"]
    assert [left.path for left in intake.left_out] == [f"{name}.zip"]


@pytest.fixture
def place_of_anybody():
    """A folder that every user may enter, while this process is an ordinary user, whom permissions bind."""
    if not hasattr(os, "setresuid"):
        pytest.skip("needs users who can be changed and back")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o777)
        is_root = os.geteuid() == 0
        if is_root:
            os.setresuid(65534, 65534, 0)
        try:
            yield place
        finally:
            if is_root:
                os.setresuid(0, 0, 0)
            for inner, folders, _ in os.walk(place):
                for name in folders:
                    Path(inner, name).chmod(0o755)


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111])
@pytest.mark.parametrize("form", ["", "folders"])
def test_a_folder_that_may_not_be_opened_costs_its_student_alone(mode, form, place_of_anybody):
    write(place_of_anybody, *CLASSES["folders"])
    (place_of_anybody / "carl").chmod(mode)
    _, found = taken(place_of_anybody, form)
    assert list(found) == ["alice", "bob", "carl"]
    assert found["alice"].files.keys() == found["bob"].files.keys() == {"variation_loss"}
    assert not found["carl"].files
    assert found["carl"].problem.startswith("carl cannot be opened (Permission denied)")


def test_clones_and_results_that_may_not_be_opened_stop_nothing(place_of_anybody):
    write(
        place_of_anybody,
        "lab-ann/variation_loss.py",
        "lab-ann/.git/HEAD",
        "lab-bob/variation_loss.py",
        "lab-bob/.git/HEAD",
    )
    (place_of_anybody / "lab-bob" / ".git").chmod(0o000)
    intake, _ = taken(place_of_anybody)
    assert intake.form == "a download of GitHub" and len(intake.hand_ins) == 2


def test_a_path_in_a_folder_that_may_not_be_opened_has_a_sentence(place_of_anybody):
    write(place_of_anybody, "home/class/alice/variation_loss.py", "home/class/bob/variation_loss.py")
    (place_of_anybody / "home").chmod(0o000)
    with pytest.raises(UsageError, match=r"home/class cannot be opened \(Permission denied\); ask its owner"):
        taken(place_of_anybody / "home" / "class")


def test_the_folder_of_a_class_that_may_not_be_opened_has_a_sentence(place_of_anybody):
    write(place_of_anybody, "class/alice/variation_loss.py", "class/bob/variation_loss.py")
    (place_of_anybody / "class").chmod(0o000)
    _, found = taken(place_of_anybody / "class")
    assert found["class"].problem == "class cannot be opened (Permission denied); hand it in again"


LONG = "l" * 300


@pytest.mark.parametrize(
    "names",
    [
        (f"{LONG}_variation_loss.py", "bob_variation_loss.py"),
        (f"{LONG}/variation_loss.py", "bob/variation_loss.py"),
        (f"week/{LONG}/sub/variation_loss.py", "week/bob/variation_loss.py"),
        (f"variation_loss_{LONG}.py", "variation_loss_bob.py"),
    ],
)
def test_a_name_in_a_zip_that_no_disk_could_hold_stops_nothing(names, tmp_path):
    _, raw = taken(zipped(tmp_path / "class.zip", *names))
    assert sorted(raw) == ["bob", LONG] and all(set(each.files) == {"variation_loss"} for each in raw.values())


def test_an_archive_with_a_name_that_no_disk_could_hold_stops_nothing(tmp_path):
    inner = {f"{who}.zip": packed({"variation_loss.py": CODE}) for who in (LONG, "bob")}
    _, raw = taken(zipped(tmp_path / "class.zip", **inner))
    assert sorted(raw) == ["bob", LONG] and all(set(each.files) == {"variation_loss"} for each in raw.values())


@pytest.mark.parametrize("form", ["files", "canvas"])
def test_a_student_in_several_zips_of_one_folder_is_told(form, tmp_path):
    forms = {"files": "{}_variation_loss.py", "canvas": "{}_{}_{}_variation_loss.py"}
    for week, students in (("week1", ("ann", "bob")), ("week2", ("ann", "carl"))):
        names = [forms[form].format(who, len(who) + ord(who[0]), ord(week[-1])) for who in students]
        zipped(tmp_path / "class" / f"{week}.zip", *names)
    intake = take_in([tmp_path / "class"], UNITS)
    assert list(intake.hand_ins) == ["ann", "ann-week2", "bob", "carl"]
    (remark,) = intake.remarks
    assert remark.startswith(
        "in several of these folders or archives, with a row for each unless a roster says that they are one: ann;"
    )


def test_of_two_hand_ins_in_canvas_the_one_with_the_greater_number_is_later(tmp_path):
    names = ["june/doejane_1_11_ideal_image.py", "june/bo_2_12_ideal_image.py"]
    names += ["august/doejane_1_13_ideal_image.py", "august/cy_3_14_ideal_image.py"]
    intake, _ = taken(write(tmp_path / "class", *names))
    assert str(intake.hand_ins["doejane"].files[PurePosixPath("ideal_image.py")]) == names[2]
    assert [str(path) for each in intake.earlier["doejane"] for path in each.files.values()] == names[:1]
    assert intake.left_out[0].reason == "an earlier hand-in of the same student, by the platform's number of the upload"
    assert intake.remarks == []


def test_that_the_order_of_hand_ins_in_several_sections_is_not_known_is_told(tmp_path):
    names = [
        f"{section}/{who}_{number}_assignsubmission_file_/ideal_image.py"
        for section, who, number in (("A", "Jane Doe", 1), ("A", "Bo", 2), ("B", "Jane Doe", 1), ("B", "Cy", 3))
    ]
    intake, _ = taken(write(tmp_path / "class", *names))
    assert list(intake.hand_ins) == ["Bo", "Cy", "Jane Doe"]
    assert intake.remarks == [
        "of several hand-ins of a student, of which it is not known which is later, the last by the name of its folder counts:"
        " Jane Doe; take away those that do not count"
    ]


def test_a_name_in_several_sections_of_moodle_is_told(tmp_path):
    names = [
        f"{section}/{who}_{number}_assignsubmission_file_/ideal_image.py"
        for section, who, number in (("A", "Jane Doe", 1), ("A", "Bo", 2), ("B", "Jane Doe", 3), ("B", "Cy", 4))
    ]
    intake, _ = taken(write(tmp_path / "class", *names))
    assert list(intake.hand_ins) == ["Bo", "Cy", "Jane Doe-1", "Jane Doe-3"]
    (remark,) = intake.remarks
    assert (
        remark.startswith("in several of these folders or archives, with a row for each unless")
        and "Jane Doe;" in remark
    )


@pytest.mark.parametrize(("number", "told"), [(1, 0), (5, 1)])
def test_a_name_that_sections_of_brightspace_share_is_told(number, told, tmp_path):
    names = [
        f"{section}/{each}-{section} - {who} - Nov {day}, 2026 1159 PM/ideal_image.py"
        for section, each, who, day in (
            (7, 1, "Jane Doe", 1),
            (7, 2, "Bo", 1),
            (8, number, "Jane Doe", 2),
            (8, 3, "Cy", 1),
        )
    ]
    intake, _ = taken(write(tmp_path / "class", *names))
    assert list(intake.hand_ins) == ["Bo", "Cy", "Jane Doe"]
    assert (
        intake.remarks
        == [
            "in several sections under other numbers of Brightspace, and taken for one student by the name: Jane Doe; if these"
            " are several students, grade each section by itself"
        ]
        * told
    )


@pytest.mark.parametrize("packed", [False, True])
def test_equal_numbers_of_two_platforms_are_two_students(packed, tmp_path):
    names = [f"A/{who}_{n}_assignsubmission_file_/ideal_image.py" for who, n in (("Maria Garcia", 101), ("Bo Li", 102))]
    names += ["B/doejane_101_9001_ideal_image.py", "B/ekcy_103_9002_ideal_image.py"]
    path = zipped(tmp_path / "class.zip", *names) if packed else write(tmp_path / "class", *names)
    intake, _ = taken(path)
    assert list(intake.hand_ins) == ["Bo Li", "doejane", "ekcy", "Maria Garcia"]
    assert intake.platforms == {"Canvas", "Moodle"} and intake.earlier == {}


def tarred(path: Path, *names: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(CODE)
            archive.addfile(member, io.BytesIO(CODE.encode()))
    return path


@pytest.mark.parametrize("ending", [".tar.gz", ".tgz", ".tar"])
@pytest.mark.parametrize("form", CLASSES)
def test_a_tar_of_a_class_is_read_as_its_folder_is(form, ending, tmp_path):
    found = taken(tarred(tmp_path / f"class{ending}", *CLASSES[form]))[1]
    assert list(found) == list(taken(write(tmp_path / "class", *CLASSES[form]))[1])
    assert all(raw.files for raw in found.values())


@pytest.mark.parametrize("form", ["folders", "moodle"])
def test_a_form_may_be_asked_for_of_a_tar(form, tmp_path):
    assert len(taken(tarred(tmp_path / "class.tar.gz", *CLASSES[form]), form)[1]) == 3


def test_sections_may_be_tars_and_a_tar_may_hold_the_class(tmp_path):
    for section, students in (("A", ("al", "bo")), ("B", ("cy", "di"))):
        tarred(tmp_path / "term" / f"{section}.tar.gz", *(f"{who}/ideal_image.py" for who in students))
    assert list(taken(tmp_path / "term")[1]) == ["al", "bo", "cy", "di"]
    (tmp_path / "term" / "B.tar.gz").rename(tmp_path / "B.tar.gz")
    (tmp_path / "term" / "list.csv").write_text("")
    assert list(taken(tmp_path / "term")[1]) == ["al", "bo"]


def test_the_tar_of_one_student_is_one_submission(tmp_path):
    assert list(taken(tarred(tmp_path / "al.tar.gz", "lab/ideal_image.py", "lab/variation_loss.py"))[1]) == ["al"]


def test_a_tar_of_a_class_may_hold_more_files_than_a_submission(tmp_path, monkeypatch):
    monkeypatch.setattr("autograder.submissions.archives.MAX_ENTRIES", 3)
    names = [f"{who}/{file}" for who in ("al", "bo") for file in ("ideal_image.py", "a.md", "b.md")]
    assert list(taken(tarred(tmp_path / "class.tar", *names))[1]) == ["al", "bo"]


@pytest.mark.parametrize(("encoding", "told"), [("cp852", 1), ("utf-8", 0)])
def test_names_of_a_zip_in_a_code_page_are_told(encoding, told, tmp_path):
    path, name = tmp_path / "class.zip", "Žana".encode(encoding)
    zipped(path, f"{'x' * len(name)}/ideal_image.py", "Bo/ideal_image.py")
    path.write_bytes(path.read_bytes().replace(b"x" * len(name) + b"/", name + b"/"))
    assert (
        take_in([path], UNITS).remarks
        == [
            "class.zip does not tell the code page of its names, and letters with accents or of other scripts may be read"
            " wrong; unpack it where it was packed and grade the folder"
        ]
        * told
    )


def test_students_in_one_zip_each_are_not_told(tmp_path):
    for week, students in (("week1", ("ann", "bob")), ("week2", ("dora", "carl"))):
        zipped(tmp_path / "class" / f"{week}.zip", *(f"{who}_variation_loss.py" for who in students))
    assert take_in([tmp_path / "class"], UNITS).remarks == []


@pytest.mark.parametrize("packed", [False, True])
def test_sections_that_are_asked_for_may_be_downloads_beside_folders(packed, tmp_path):
    names = ["A/ann_1_2_variation_loss.py", "A/bob_3_4_variation_loss.py"]
    names += ["B/cy/variation_loss.py", "B/dora/ideal_image.py"]
    path = zipped(tmp_path / "class.zip", *names) if packed else write(tmp_path / "class", *names)
    intake, raw = taken(path, "sections")
    assert intake.form == "folders of sections" and list(raw) == ["ann", "bob", "cy", "dora"]
    assert all(each.files for each in raw.values())


@pytest.mark.parametrize("name", ["a{}x.py", "a{}quiz{}x.py", "variation_loss{}x!.py"])
@pytest.mark.parametrize("sign", ["_", "_v1", " (1)"])
def test_a_long_name_of_signs_or_versions_is_read_at_once(name, sign):
    """The time for one of 60,000 letters grew with its square, to minutes."""
    long = name.replace("{}", sign * (60_000 // len(sign)))
    assert author_before_unit(Path(long), frozenset(UNITS)) is None
    assert without_version(long, {"a"}) is None


@pytest.mark.parametrize("change", ["same", "other"])
def test_an_archive_of_other_content_is_no_copy_of_the_folder_beside_it(change, tmp_path):
    root = write(tmp_path / "class", "al/variation_loss.py", "bo/variation_loss.py")
    text = (root / "al/variation_loss.py").read_bytes()
    with zipfile.ZipFile(root / "al.zip", "w") as archive:
        archive.writestr("variation_loss.py", text if change == "same" else text[:-1] + b"#")
    intake, found = taken(root)
    assert (len(found), len(intake.left_out)) == ((2, 1) if change == "same" else (3, 0))


def test_a_second_hand_in_of_a_name_is_counted(tmp_path):
    """The folder of the class is no name of a student."""
    root = write(tmp_path / "class", "Jane Doe/quiz.py", "Bo Li/quiz.py", "Jane Doe_variation_loss.py")
    _, found = taken(root)
    assert list(found) == ["Bo Li", "Jane Doe", "Jane Doe-2"]
