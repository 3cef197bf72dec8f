"""The loggers of a process, which outlive the modules that have set them up."""

import logging
from collections.abc import Mapping
from typing import Any


def loggers() -> list[logging.Logger]:
    """Return all loggers that there are. The student's code may have replaced `isinstance`."""
    known: list[Any] = list(logging.root.manager.loggerDict.values())
    return [logging.root, *(each for each in known if logging.Logger in type(each).__mro__)]


def added_handlers() -> dict[logging.Logger, list[logging.Handler]]:
    """Return the handlers of each logger that has any; pytest's own come and go with its tests, and are not among them."""
    own = {each: [handler for handler in each.handlers if not _is_pytests(handler)] for each in loggers()}
    return {each: handlers for each, handlers in own.items() if handlers}


def remove_handlers_beside(before: Mapping[logging.Logger, list[logging.Handler]]) -> None:
    """Remove the handlers that were added since."""
    for logger, handlers in added_handlers().items():
        for handler in handlers:
            if handler not in before.get(logger, []):
                logger.removeHandler(handler)


def levels() -> tuple[int, dict[logging.Logger, int]]:
    """Return the level up to which logging is off, and each logger's own, if it has one."""
    return logging.root.manager.disable, {each: each.level for each in loggers() if each.level}


def set_levels(disabled_up_to: int, before: Mapping[logging.Logger, int]) -> None:
    """Put levels back."""
    logging.disable(disabled_up_to)
    for logger in loggers():
        logger.setLevel(before.get(logger, logging.NOTSET))


def _is_pytests(handler: logging.Handler) -> bool:
    return type(handler).__module__.startswith("_pytest.")
