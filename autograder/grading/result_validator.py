"""Validate a result from another machine: it is of the schema, and of what was asked for."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path

from jsonschema import Draft202012Validator

from autograder.errors import GraderError
from autograder.grading.jobs import Task
from autograder.grading.spec import GradingSpec, course_hashes, versions
from autograder.results import types
from autograder.results.types import SubmissionResult, legible
from autograder.sandbox.confines import Allowance
from autograder.submissions import Submission, parse_submission

#: A result has some 120 KB.
_RESULT_BYTES = 16 * 2**20
_SCHEMA = Draft202012Validator(
    json.loads(Path(types.__file__).with_name("result.schema.json").read_text(encoding="utf-8"))
)


class ResultValidator:
    """Validator that compares each result with the spec of the grading; a result that differs counts for nothing.

    This bounds what a faulty or forged result can claim. Which checks have passed is still the worker's word.

    Args:
        spec: what is graded by.
    """

    def __init__(self, spec: GradingSpec) -> None:
        self._spec = spec
        self._modules = {name for unit in spec.chosen for name in unit.modules}
        self._hashes = course_hashes(spec.catalog, spec.chosen)
        self._versions = versions()
        self._limits = spec.seconds | asdict(Allowance())

    def prepare(self, task: Task) -> Task:
        """Return the task with the seed of its submission: all that a worker needs of the secret."""
        return replace(task, seed=self._spec.seed_for(self._read_submission(task).digest))

    def validate(self, reply: object, task: Task) -> tuple[SubmissionResult | None, str]:
        """Return the result in a worker's reply, or None and the reason why there is none.

        Args:
            reply: JSON of the result, and the reason why there is none; from any worker.
            task: the prepared task that it must be of.

        Raises:
            ValueError: it is no result, or one of another submission, seed, course, program or number of points.
        """
        if type(reply) is not tuple or len(reply) != 2 or {*map(type, reply)} != {str}:
            raise ValueError("it sent no result")
        text, reason = reply
        if not text:
            return None, legible(reason)
        result = _read(text)
        for what, given, wanted in self._facts(result, task):
            if given != wanted:
                raise ValueError(f"it sent a result with another {what} than it was asked for")
        return result, ""

    def _read_submission(self, task: Task) -> Submission:
        return parse_submission(task.raw, self._spec.catalog.functions, self._spec.catalog.questions)

    def _facts(self, result: SubmissionResult, task: Task) -> Iterator[tuple[str, object, object]]:
        """Yield what a result must have: its name, what the result says, what it has to be."""
        yield "name", result.name, task.name
        yield "seed", result.seed, task.seed
        submission = self._read_submission(task)
        yield "submission", result.hashes.get("submission"), submission.digest
        yield "set of answers", result.answers, submission.answers
        sources = {name: each.text for name, each in submission.modules.items() if name in self._modules}
        yield "source", result.sources, sources
        yield "device", result.device, self._spec.device
        yield "course", {name: text for name, text in result.hashes.items() if name != "submission"}, self._hashes
        yield "set of versions", {name: result.versions.get(name) for name in self._versions}, self._versions
        if "torch" in self._spec.catalog.preload:
            yield "version of torch", result.versions.get("torch", "").partition("+")[0], _plain_version("torch")
        yield "set of limits", result.limits, self._limits
        missing = [rung for rung in self._spec.require if not {*rung.split("/")} & {*result.isolation}]
        yield "isolation", missing, []
        yield "set of checks", len({check.id for check in result.checks}), len(result.checks)
        yield from self._points(result)

    def _points(self, result: SubmissionResult) -> Iterator[tuple[str, object, object]]:
        """Yield the points of each function: those of the catalog, or those without what a students' release lacks."""
        spec = self._spec
        units = {name: unit.name for unit in spec.chosen for name in unit.functions}
        given = dict.fromkeys((name for name in units if not spec.functions or name in spec.functions), 0.0)
        for check in result.checks:
            yield "function", units.get(check.function), check.unit
            yield "set of functions", check.function in given, True
            given[check.function] = given.get(check.function, 0.0) + check.max_points
        for name, points in given.items():
            function = spec.catalog.units[units[name]].functions[name]
            whole = function.points + function.examples
            near = any(abs(points - each) < 1e-6 for each in (whole, whole - function.later))
            yield f"number of points for {name}", near, True


def _read(text: str) -> SubmissionResult:
    """Return the result in a document of the schema, written as this program writes it.

    Raises:
        ValueError: it is anything else.
    """
    if len(text) > _RESULT_BYTES:
        raise ValueError(f"it sent a result of more than {_RESULT_BYTES // 2**20} MB")
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
        valid = _SCHEMA.is_valid(document)
        result = SubmissionResult.from_json(text) if valid else None
    except (ValueError, KeyError, TypeError, RecursionError, GraderError) as error:
        raise ValueError("it sent what is no result of this schema") from error
    # Its score and points are worked out anew; with others it would be another text.
    if result is None or result.to_json() != text:
        raise ValueError("it sent what is no result of this schema")
    return result


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def _plain_version(package: str) -> str:
    return metadata.version(package).partition("+")[0]
