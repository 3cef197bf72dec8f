import os
import sys

import pytest

os.environ["IDEALCAT_LANG"] = "en"  # whatever the machine speaks


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write what golden submissions give now")
    parser.addoption("--seeds", type=int, default=1, help="on how many seeds the slow tests grade each module")


@pytest.fixture(scope="session")
def seeds(pytestconfig: pytest.Config) -> int:
    number: int = pytestconfig.getoption("--seeds")
    return number


def pytest_configure() -> None:
    """Keep what Python compiles, even where it is told not to: a thousand processes import the same modules.

    What this run of pytest was told is not for those that the tests start.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.pop("PYTEST_ADDOPTS", None)
    sys.dont_write_bytecode = False
