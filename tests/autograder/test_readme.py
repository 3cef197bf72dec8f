"""What the README shows is what one sees."""

import json
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SUBMISSIONS = Path(__file__).parent / "submissions"


def block(beginning):
    """The lines of the code block that begins so."""
    return next(
        text for text in re.findall(r"```\n(.*?)```", README, re.DOTALL) if text.startswith(beginning)
    ).splitlines()


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
