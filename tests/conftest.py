import os

import pytest

os.environ["IDEALCAT_LANG"] = "en"  # whatever the machine speaks


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write what golden submissions give now")
