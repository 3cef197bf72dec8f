"""The one door to pytest's private names, most of them for a session that is collected once and run many times.

pytest promises nothing about them between versions; `pyproject.toml` bounds its version above for the sake of this file.
"""

from collections.abc import Sequence

import pytest
from _pytest._code.code import Traceback
from _pytest.config import _prepareconfig
from _pytest.runner import runtestprotocol


def prepare_config(arguments: Sequence[str], plugins: Sequence[object]) -> pytest.Config:
    """Return the configuration of a run that is not started."""
    return _prepareconfig(list(arguments), list(plugins))


def collect(config: pytest.Config) -> pytest.Session:
    """Configure pytest and collect the tests of a configuration."""
    config._do_configure()
    session = pytest.Session.from_config(config)
    config.hook.pytest_sessionstart(session=session)
    session.perform_collect()
    return session


def unconfigure(config: pytest.Config) -> None:
    """Undo what pytest has hooked into the interpreter."""
    config._ensure_unconfigure()


def run_item(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Run the phases of a test without reporting them to the terminal."""
    runtestprotocol(item, log=False, nextitem=nextitem)


def forget_traceback(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Let a failure be reported without its frames, which takes pytest longer than most checks."""
    excinfo.traceback = Traceback([])


def terminal_width(reporter: pytest.TerminalReporter) -> int:
    """Return how many letters a line of the terminal holds."""
    return reporter._tw.fullwidth


def tear_down(session: pytest.Session, nextitem: pytest.Item | None = None) -> None:
    """Tear down the fixtures that the next test does not need."""
    session._setupstate.teardown_exact(nextitem)
