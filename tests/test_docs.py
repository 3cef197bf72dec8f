"""The pages name commands, files and functions that exist."""

import importlib.util
import re
from pathlib import Path

import pytest
from typer.main import get_command

from autograder.cli.app import app
from autograder.course.catalog import read_catalog

ROOT = Path(__file__).parents[1]
_OF_FOLDERS = [page for folder in (".", "docs", "exercises/lessons") for page in (ROOT / folder).glob("*.md")]
PAGES = sorted([*_OF_FOLDERS, ROOT / "data" / "README.md", ROOT / "tools" / "README.md"])
TREES = "autograder|benchmarks|data|docs|exercises|notebooks|solutions|tests|tools"
#: The unit that docs/author.md adds from nothing, and what an author or a student may add.
MADE = (
    "solarize",
    "exercises/postings.py",
    "solutions/postings.py",
    "solutions/shortcuts",
    "exercises/my_checks.py",
    "tests/exercises/conftest.py",
)


def named(page, pattern):
    return {found for found in re.findall(pattern, page.read_text()) if not any(word in found for word in MADE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_files_and_modules_that_exist(page):
    files = named(page, rf"`((?:{TREES})/[\w./-]+)`") | named(page, rf"pytest ((?:{TREES})/[\w./-]+\w)")
    assert [file for file in files if not (ROOT / file).exists()] == []
    modules = named(page, r"python -m ([\w.]+\w)")
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_commands_and_options_that_exist(page):
    commands = dict(get_command(app).commands)
    commands |= {f"release {name}": command for name, command in commands.pop("release").commands.items()}
    for line in re.findall(
        r"autograder ((?:release )?[a-z-]+(?: [^`\n#]*)?)[`\n#]", page.read_text().replace("...", "")
    ):
        name = next((name for name in commands if line == name or line.startswith(f"{name} ")), None)
        if name is None:
            continue
        options = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", line)) <= options, line


def test_the_table_of_the_course_names_functions_that_exist():
    catalog = read_catalog(ROOT)
    section = (ROOT / "docs" / "author.md").read_text().partition("## The course and the original lesson")[2]
    rows = re.findall(r"`(\w+)`: ((?:`\w+`(?:, )?)+)", section)
    assert len(rows) > 8
    for unit, functions in rows:
        assert set(re.findall(r"`(\w+)`", functions)) <= set(catalog.units[unit].functions)
