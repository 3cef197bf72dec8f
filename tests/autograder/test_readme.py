"""What the README shows is what one sees."""

import io
import json
import re
import shutil
from pathlib import Path

from PIL import Image, ImageChops, ImageStat

from autograder.checks.plugin.runs import StudentRun
from autograder.student.drawing import reward

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SUBMISSIONS = Path(__file__).parent / "samples"


BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def block(beginning):
    """The lines of the code block that begins so."""
    return next(text for _, text in BLOCKS if text.startswith(beginning)).splitlines()


def test_the_table_of_the_demo_shows_the_sample_submissions():
    table = "\n".join(block(" Submission"))
    for path in SUBMISSIONS.iterdir():
        (points,) = re.findall(rf"^ {path.name} +([\d.]+) / [\d.]+ ", table, re.MULTILINE)
        assert float(points) == json.loads((path / "expected.json").read_text())["score"], path.name


def test_the_student_reads_what_the_readme_says(student_pytest, tmp_path):
    shutil.copy(SUBMISSIONS / "only_horizontal" / "variation_loss.py", tmp_path)
    lines = student_pytest(tmp_path / "variation_loss.py").text.splitlines()
    assert [line for line in block("Variation loss") if line not in lines] == []


def test_the_commands_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make ([\w-]+)$", README, re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_the_lines_without_make_are_those_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    plain = makefile.replace("$(PYTHON)", "python3").replace("$(BIN)", ".venv/bin").replace("$(VENV)", ".venv")
    plain = plain.replace("$(OUT)", "out")
    assert all(line in plain for line in block("python3 -m venv"))


def test_links_lead_somewhere():
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def transcript(command):
    """The lines of the README that a command is to print, for each time that it is typed there."""
    return [text.splitlines()[1:] for _, text in BLOCKS if text.startswith(f"$ {command}\n")]


def test_the_first_five_minutes(own_course, command, student_pytest):
    """Type what the README types, write what it writes, and find each line that it shows."""
    exercise = own_course / "exercises" / "training_tricks.py"
    skeleton = exercise.read_text()
    (overview,) = transcript("autograder")
    assert command()[1].splitlines()[: len(overview)] == overview
    guess, right = (text for language, text in BLOCKS if language == "python")
    runs = transcript("pytest exercises/training_tricks.py -k decayed_learning_rate")
    for body, lines in zip((guess, right), runs, strict=True):
        exercise.write_text(skeleton.replace('    raise NotImplementedError("decayed_learning_rate")\n', body))
        run = student_pytest("exercises/training_tricks.py", "-k", "decayed_learning_rate", cwd=own_course)
        said = iter(run.text.splitlines())
        assert [line for line in lines if line not in said] == []  # in this order
    (hint,) = transcript("autograder hint decayed_learning_rate")
    assert command("hint", "decayed_learning_rate")[1].splitlines() == hint
    assert "2 of 334.5 points" in command()[1]


def test_the_picture_shown_is_the_one_that_is_earned(catalog):
    run = StudentRun(catalog, "student", "cpu")
    with run.worker() as worker:
        made = reward(catalog, "variation_loss", run.modules(catalog.solution("variation_loss")), worker)
    shown = Image.open(ROOT / "docs" / "pictures" / "reward_variation_loss.png")
    drawn = Image.open(io.BytesIO(made.png))
    assert shown.size == drawn.size
    assert sum(ImageStat.Stat(ImageChops.difference(shown.convert("RGB"), drawn.convert("RGB"))).mean) < 3
