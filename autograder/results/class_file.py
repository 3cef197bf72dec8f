"""Read what an instructor decides about marks: `class.toml` beside the submissions.

    attempts = "last"

    [deadline]
    due = 2026-11-20T23:59:00
    zone = "Europe/Vilnius"
    grace = "15 minutes"

    [late]
    percent = 10
    per = "day"
    of = "earned"
    most = 50
    cut_off = "7 days"
    budget = 3

    [extensions]
    alice = 2026-11-25T23:59:00
    bob = "2 days"

    [exempt]
    carl = ["quiz"]
    dora = []

    [units]
    drop = 1
    bonus = ["domain_shift"]

    [term]
    drop = 1
    budget = 5
    weights = {lab1 = 10, lab2 = 30}

Everything may be left out. All tables and keys: docs/classes.md.
"""

import re
import sys
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autograder.errors import UsageError
from autograder.results.policy import LateRule, Policy, TermRule

FILENAME = "class.toml"
#: Longest time that a length may be: moments after it must still be dates.
_LONGEST_WEEKS = 5200
#: Years of a deadline, so that moments around it are still dates.
_YEARS = (1000, 9000)
_STEP = '{after = "1 day", percent = 25}'
_UNITS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_TABLES: dict[str, set[str]] = {
    "deadline": {"due", "zone", "grace"},
    "late": {"percent", "per", "of", "most", "cut_off", "budget", "steps"},
    "extensions": set(),
    "exempt": set(),
    "units": {"drop", "bonus"},
    "term": {"weights", "drop", "bonus", "budget"},
}


def first_class_file(folders: Iterable[Path]) -> Path | None:
    """Return the `class.toml` in the first of some folders that has one; None without any."""
    return next((folder / FILENAME for folder in folders if (folder / FILENAME).is_file()), None)


def find_rules(folders: Iterable[Path]) -> Policy | None:
    """Return what the first `class.toml` in some folders says; None without one.

    Raises:
        UsageError: it cannot be read.
    """
    path = first_class_file(folders)
    return None if path is None else read_policy(path)


def read_policy(path: Path) -> Policy:
    """Read `class.toml`; if there is none, everything counts as it is.

    Raises:
        UsageError: it cannot be read, or a key or value in it makes no sense; the sentence says which.
    """
    if not path.exists():
        return Policy()
    tables = _read_toml(path)
    attempts = _one_of(tables, "attempts", ("last", "best"), path)
    tables.pop("attempts", None)
    for table, values in tables.items():
        _refuse_unknown(table, values, path)
    return replace(_policy(tables, path), best=attempts == "best")


def _read_toml(path: Path) -> dict[str, Any]:
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8; save it in UTF-8") from error
    except (OSError, ValueError) as error:
        advice = _quotes_missing(text, str(error)) or "mend it, or take it away"
        raise UsageError(f"{path} cannot be read ({error}); {advice}") from error


def _quotes_missing(text: str, said: str) -> str:
    """Return what to write if the line that cannot be read begins with a name that needs quotes; empty if not."""
    found = re.search(r"at line (\d+)", said)
    number = int(found[1]) if found is not None else 0
    name, sign, _ = "".join(text.splitlines()[number - 1 : number]).partition("=")
    needs = (
        sign and not name.lstrip().startswith(('"', "'", "#")) and not re.fullmatch(r"[\w.-]+", name.strip(), re.ASCII)
    )
    return f'write the name in quotes: "{name.strip()}" = ...' if needs else ""


def _refuse_unknown(table: str, values: object, path: Path) -> None:
    """Raise if a table of the file, or a key in it, is unknown or stands where it does not count."""
    homes = [home for home, keys in _TABLES.items() if table in keys]
    if table not in _TABLES and homes and isinstance(values, dict):
        raise UsageError(f"{path}: there is no table [{table}]; write [{homes[0]}.{table}]")
    if table not in _TABLES and homes:
        where = " or ".join(f"[{home}]" for home in homes)
        raise UsageError(f"{path}: {table} stands in no table; write {where} in a line of its own above it")
    if table not in _TABLES:
        raise UsageError(f"{path}: there is no table [{table}]; there are {', '.join(_TABLES)}")
    if not isinstance(values, dict):
        raise UsageError(f"{path}: {table} is a table; write [{table}] in a line of its own, and what it holds below")
    for key in values:
        if _TABLES[table] and key not in _TABLES[table]:
            has = f"it has {', '.join(sorted(_TABLES[table]))}"
            advice = "it stands in the first line, above all tables" if key == "attempts" else has
            raise UsageError(f"{path}: [{table}] has no {key}; {advice}")


def _policy(tables: Mapping[str, dict[str, Any]], path: Path) -> Policy:
    deadline, late, units = (tables.get(name, {}) for name in ("deadline", "late", "units"))
    rule = LateRule(
        percent=_number(late, "percent", 0.0, path, 100.0),
        per=_one_of(late, "per", ("day", "hour"), path),
        of=_one_of(late, "of", ("earned", "maximum"), path),
        most=_number(late, "most", 100.0, path, 100.0),
        cut_off=_duration(late["cut_off"], f"{path}: cut_off") if "cut_off" in late else None,
        steps=tuple(
            (_duration(step.get("after"), f"{path}: after"), _number(step, "percent", 0.0, path, 100.0))
            for step in _steps(late.get("steps", []), path)
        ),
        budget=_whole(late, "budget", path),
    )
    return Policy(
        due=_date(deadline["due"], f"{path}: due") if "due" in deadline else None,
        zone=_zone(deadline.get("zone", ""), path),
        grace=_duration(deadline.get("grace", "0 minutes"), f"{path}: grace"),
        late=rule,
        extensions={
            name: _extension(value, f"{path}: the extension of {name}")
            for name, value in _by_student(tables, "extensions", path).items()
        },
        exempt={
            name: _names(value, f"{path}: [exempt] {name}")
            for name, value in _by_student(tables, "exempt", path).items()
        },
        drop=_whole(units, "drop", path),
        bonus=_names(units.get("bonus", []), f"{path}: bonus"),
        term=_term(tables.get("term", {}), path),
    )


def _term(term: Mapping[str, Any], path: Path) -> TermRule:
    weights = term.get("weights", {})
    if not isinstance(weights, dict):
        raise UsageError(f"{path}: weights is {weights!r}; write [term.weights], and below it such as lab1 = 10")
    weights = _by_name(term, "weights", path)
    return TermRule(
        weights={name: _number(weights, name, 0.0, path) for name in weights},
        drop=_whole(term, "drop", path),
        bonus=_names(term.get("bonus", []), f"{path}: bonus"),
        budget=_whole(term, "budget", path),
    )


def _by_name(tables: Mapping[str, Any], table: str, path: Path) -> dict[str, Any]:
    """Return what a table says by name. TOML takes a name with a dot for a table in a table."""
    found: dict[str, Any] = tables.get(table, {})
    for name, value in found.items():
        dotted = name
        while isinstance(value, dict) and value:
            inner, value = next(iter(value.items()))
            dotted += f".{inner}"
        if dotted != name:
            raise UsageError(f'{path}: {dotted} in [{table}] has a dot; write the name in quotes: "{dotted}" = ...')
    return found


def _by_student(tables: Mapping[str, Any], table: str, path: Path) -> dict[str, Any]:
    """Return what a table says by student. A name that was copied from a Mac's folder has its accents apart."""
    return {unicodedata.normalize("NFC", name): value for name, value in _by_name(tables, table, path).items()}


def _date(value: object, what: str) -> datetime:
    if not isinstance(value, datetime):
        written = value.isoformat() if isinstance(value, date | time) else repr(value)
        raise UsageError(f"{what} is {written} and no moment; write one such as 2026-11-20T23:59:00, without quotes")
    if not _YEARS[0] <= value.year <= _YEARS[1]:
        raise UsageError(f"{what} is {value.isoformat()}; write a moment of the years {_YEARS[0]} to {_YEARS[1]}")
    return value


def _extension(value: object, what: str) -> datetime | timedelta:
    if isinstance(value, date | time):
        return _date(value, what)
    return _duration(value, what)


def _names(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UsageError(f'{what} is {value!r}; write a list of names such as ["one", "two"]')
    return tuple(value)


def _steps(value: object, path: Path) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise UsageError(f"{path}: steps is {value!r}; write a list such as [{_STEP}]")
    for step in value:
        if step.keys() != {"after", "percent"}:
            raise UsageError(
                f"{path}: a step has {', '.join(step) or 'nothing'}; write after and percent, such as {_STEP}"
            )
    return value


def _duration(value: object, what: str) -> timedelta:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *(minute|hour|day|week)s?", value) if isinstance(value, str) else None
    if found is None:
        raise UsageError(f'{what} is {value!r} and no length of time; write one such as "2 days"')
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > _LONGEST_WEEKS * _UNITS["week"]:
        raise UsageError(f"{what} is {value!r} and too long; write at most {_LONGEST_WEEKS} weeks")
    return timedelta(seconds=seconds)


def _number(table: Mapping[str, Any], key: str, default: float, path: Path, most: float | None = None) -> float:
    value = table.get(key, default)
    top = sys.float_info.max if most is None else most
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= top:
        wanted = "finite number, at least 0" if most is None else f"number from 0 to {most:g}"
        raise UsageError(f"{path}: {key} is {value!r}; write a {wanted}")
    return float(value)


def _whole(table: Mapping[str, Any], key: str, path: Path) -> int:
    """Return a number of days, units or assignments; 0 without one."""
    value = table.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageError(f"{path}: {key} is {value!r}; write a whole number, at least 0")
    return value


def _one_of(table: Mapping[str, Any], key: str, allowed: tuple[str, ...], path: Path) -> str:
    value = table.get(key, allowed[0])
    if value not in allowed:
        raise UsageError(f"{path}: {key} is {value!r}; it is one of {', '.join(allowed)}")
    return str(value)


def _zone(name: object, path: Path) -> ZoneInfo | None:
    if not isinstance(name, str):
        raise UsageError(f'{path}: zone is {name!r} and no name; write one such as "Europe/Vilnius", with quotes')
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of zones, such as "Europe"
        raise UsageError(f"{path}: there is no time zone {name!r}; write one such as Europe/Vilnius") from error
