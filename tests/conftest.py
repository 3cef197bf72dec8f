import compileall
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

os.environ["IDEALCAT_LANG"] = "en"  # whatever the machine speaks


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write what golden submissions give now")


def pytest_configure() -> None:
    """Compile the engine once, where Python is told not to keep what it compiles: a hundred processes import it."""
    if sys.dont_write_bytecode and not {"PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST"} & os.environ.keys():
        for package in ("autograder", "data"):
            compileall.compile_dir(ROOT / package, quiet=2)
