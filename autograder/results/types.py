"""Hold what grading gives: one `SubmissionResult` for each submission, to and from one versioned JSON schema.

The schema is `result.schema.json` beside this file; `docs/result.md` explains each field. It is only ever extended.
"""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from autograder.errors import GraderError
from autograder.messages import Sentence, is_printable

SCHEMA = 1
_MESSAGE_LENGTH = 2000


#: Stands between the sentences of two known mistakes that were made at once.
BESIDES = " Besides: "


class Outcome(StrEnum):
    """End of a check. `PASSED` earns all its points, and any other end no more than a share that the check gave before."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_WRITTEN = "not_written"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    BLOCKED = "blocked"
    ERROR = "error"
    NOT_RUN = "not_run"


@dataclass(frozen=True)
class Picture:
    """A picture that a unit has drawn: PNG, and a caption."""

    png: bytes
    caption: str

    @property
    def data(self) -> str:
        """Return the picture in base64."""
        return base64.b64encode(self.png).decode("ascii")


def legible(text: str, length: int = _MESSAGE_LENGTH) -> str:
    """Return text of a student's as one line of bounded length, without characters that would steer a terminal."""
    line = "".join(char if is_printable(char) else " " if char.isspace() else "?" for char in text[: length + 1])
    return line if len(line) <= length else line[: length - 3] + "..."


def first_and_more(items: Sequence[object]) -> str:
    """Return the first of at least one item, and how many more there are."""
    return f"{items[0]} and {len(items) - 1} more" if items[1:] else str(items[0])


def points_text(number: float) -> str:
    """Return a number of points as every form and sentence writes it: at most two decimals, and no zeros at their end."""
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def read_moment(text: str) -> datetime:
    """Return the moment in ISO 8601, or in the form in which Gradescope writes it: `2026-11-20 10:00:00 Z`.

    Raises:
        ValueError: it is neither.
    """
    return datetime.fromisoformat(text.replace(" Z", "+00:00").replace(" UTC", "+00:00"))


def storable(text: str) -> str:
    """Return text that a file can hold: names of files, and what students say, may hold lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True)
class CheckResult:
    """One check of a result. It is `NOT_RUN`, and worth nothing, until a run judges it.

    Attributes:
        picture: a PNG in base64, as a result holds plain text alone.
        line: the line of the student's own file; 0 if there is none to look at.
        sentence: the message as a template and its values, for other languages than English.
        share: the share of the points, from 0 to 1, that the check gave by `partial`.
        values: small tensors shown whole, in a run at home: what was expected, what came back, and their difference.
    """

    id: str
    unit: str
    function: str
    title: str
    max_points: float
    hidden: bool = False
    outcome: Outcome = Outcome.NOT_RUN
    message: str = ""
    mistake: str | None = None
    diagnosis: str = ""
    seconds: float = 0.0
    output: str = ""
    picture: str = ""
    line: int = 0
    sentence: Sentence = field(default_factory=dict, hash=False)
    share: float = 0.0
    values: str = ""

    @property
    def points(self) -> float:
        """Return `max_points` if the check passed, else the share of them that it had given before it failed."""
        return self.max_points if self.outcome is Outcome.PASSED else self.share * self.max_points

    def with_outcome(self, outcome: Outcome, message: str = "", **facts: Any) -> "CheckResult":
        """Return the same check with its outcome; a message may quote the student, and is made `legible`."""
        return replace(self, outcome=outcome, message=legible(message), **facts)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as the schema has them."""
        facts = {name: value for name, value in vars(self).items() if name not in ("share", "values") or value}
        return {**facts, "outcome": self.outcome.value, "points": self.points}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "CheckResult":
        """Return the check that `to_dict` gave; `points` is worked out anew, never read."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        return cls(**{**known, "outcome": Outcome(values["outcome"])})


@dataclass(frozen=True)
class SubmissionResult:
    """Everything that is known about one graded submission.

    The `name` of the submission is called `submission` in the JSON document, as in every document written so far.
    """

    name: str
    checks: tuple[CheckResult, ...] = ()
    notes: tuple[str, ...] = ()
    not_taken: tuple[str, ...] = ()
    isolation: tuple[str, ...] = ()
    device: str = "cpu"
    seed: str = ""
    hashes: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    started: str = ""
    seconds: float = 0.0

    @property
    def score(self) -> float:
        """Return the points earned; `math.fsum`, so that the order of the checks does not matter."""
        return math.fsum(check.points for check in self.checks)

    @property
    def max_score(self) -> float:
        """Return the points that could be earned."""
        return math.fsum(check.max_points for check in self.checks)

    @property
    def errors(self) -> tuple[CheckResult, ...]:
        """Return the checks that ended by the grader's own fault: with any of them there is no grade."""
        return tuple(check for check in self.checks if check.outcome is Outcome.ERROR)

    @property
    def all_passed(self) -> bool:
        """Return True if there were checks and each of them passed."""
        return bool(self.checks) and all(check.outcome is Outcome.PASSED for check in self.checks)

    def to_json(self) -> str:
        """Return the result as a JSON document."""
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("name", "checks")}
        checks = [check.to_dict() for check in self.checks]
        document = {
            "schema": SCHEMA,
            "score": self.score,
            "max_score": self.max_score,
            "checks": checks,
            "submission": self.name,
            **facts,
        }
        return storable(json.dumps(document, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def from_json(cls, text: str) -> "SubmissionResult":
        """Return the result that `to_json` wrote.

        Raises:
            GraderError: the document has another schema, or is none of ours.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or values.get("schema") != SCHEMA:
            raise GraderError(f"not a result of schema {SCHEMA}; grade the submission again")
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        for name in ("notes", "not_taken", "isolation"):
            known[name] = tuple(known.get(name, ()))
        known["checks"] = tuple(CheckResult.from_dict(check) for check in values["checks"])
        return cls(**{**known, "name": values["submission"]})
