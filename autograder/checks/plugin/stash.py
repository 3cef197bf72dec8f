"""Keep facts with a run of pytest and with each of its checks."""

import pytest

from autograder.checks.plugin.recorder import Recorder
from autograder.checks.plugin.runs import Run, check_seed
from autograder.checks.remote import StudentModule
from autograder.course.catalog import Catalog
from autograder.errors import CheckError
from autograder.results.types import CheckResult

COURSE = pytest.StashKey[Catalog | None]()
RUN = pytest.StashKey[Run]()
RECORDER = pytest.StashKey[Recorder]()
#: Facts of a check that are known when it is collected.
CHECK = pytest.StashKey[CheckResult]()
SUBMISSION = pytest.StashKey[StudentModule]()


def check_of(request: pytest.FixtureRequest) -> CheckResult:
    """The check that a fixture is for.

    Raises:
        CheckError: it is for none.
    """
    if CHECK not in request.node.stash:
        raise CheckError("this fixture is for the checks of a unit, in tests/exercises of a course")
    return request.node.stash[CHECK]  # type: ignore[no-any-return] # a request does not say what its node is


def seed_of(request: pytest.FixtureRequest) -> int:
    """The seed of that check's random inputs."""
    return check_seed(request.config.stash[RUN].seed, check_of(request).id)
