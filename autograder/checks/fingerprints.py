"""Name known mistakes without their code: by fingerprints of what each returns in the visible checks of a run at home.

A run at home draws the same inputs each time, so a mistake gives the same values in each check. A student release holds them
as fingerprints, in `exercises/fingerprints/<unit>.json`: for each mistake its name, its function, its sentence, and what it
answers in each check that it fails, by the seed of the check's worker. Exact values (types, shapes, whole numbers, texts) are
kept as one hash; each tensor or array of floats as its norm and two random projections, which are compared with a tolerance.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from autograder.checks.answers import ALL, SIDE_EFFECTS, VALUES, Criterion, differentiable, side_effects
from autograder.checks.call import UNANSWERED, Call
from autograder.checks.difference import default_tolerance
from autograder.checks.mistakes import Mistake
from autograder.checks.objects import Program, RemoteObject, objects_in
from autograder.checks.replays import CheckCalls
from autograder.checks.showing import plain_dtype
from autograder.errors import CatalogError
from autograder.libraries import Image, Tensor, np, torch
from autograder.worker.codec import NUMPY_SCALARS, Record, is_record, record_of

#: A projection may differ by its tolerance times the norm of its tensor, and by this.
_SMALLEST = 1e-6
_PROJECTIONS = 2
_DIGITS = 8
_HASH_LENGTH = 20

#: Kind of a fingerprint without answers: of a check that itself tells which mistake it sees.
RECOGNISED: Final = "recognised"


@dataclass(frozen=True)
class Fingerprint:
    """Answers of a mistake to all calls of one check.

    Attributes:
        exact: hash of everything that is compared exactly.
        numbers: for each tensor of floats the tolerance, its norm and its projections.
        kind: `VALUES`, `ALL`, `SIDE_EFFECTS` or `RECOGNISED`.
        unworded: the calls whose exception may have any words, as the solution raises there too.
        printed: the calls whose printed text counts.
    """

    exact: str
    numbers: tuple[tuple[float, ...], ...] = ()
    kind: Criterion | Literal["recognised"] = VALUES
    unworded: tuple[int, ...] = ()
    printed: tuple[int, ...] = ()

    def explains(self, failed: CheckCalls) -> bool:
        """Return True if the calls of a failed check have the same answers."""
        if self.kind == RECOGNISED or (self.kind != SIDE_EFFECTS) != failed.by_value:
            return False
        theirs = fingerprint_of(failed.calls, self.kind, self.unworded, self.printed)
        return self.exact == theirs.exact and all(map(_close, self.numbers, theirs.numbers))


def fingerprint_of(
    calls: Sequence[Call], kind: Criterion, unworded: Sequence[int] = (), printed: Sequence[int] = ()
) -> Fingerprint:
    """Return the fingerprint of the answers to some calls."""
    seen: dict[int, int] = {}
    numbers: list[tuple[float, ...]] = []
    parts: list[object] = []
    for number, call in enumerate(calls):
        parts.append(call.function.partition(".")[2] if call.on is None else call.function)
        if kind != SIDE_EFFECTS:
            parts.append(_describe_answer(call, number in unworded, seen, numbers))
            parts.append(call.printed if number in printed else "")
        if kind != VALUES:
            parts.append((differentiable(call), len(call.changed), side_effects(call)))
    exact = hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()[:_HASH_LENGTH]
    return Fingerprint(exact, tuple(numbers), kind, tuple(unworded), tuple(printed))


def _describe_answer(call: Call, unworded: bool, seen: dict[int, int], numbers: list[tuple[float, ...]]) -> object:
    if call.value is UNANSWERED:
        return "raised", call.raised[:1] if unworded else call.raised
    # An object has the number of its first appearance, so that one that is given back differs from a new one.
    for given in objects_in([call.on, *call.args, *call.kwargs.values()]):
        seen.setdefault(given._handle.number, len(seen))
    value = _describe(call.value, seen, numbers)
    return (value, _describe(call.answer.left, seen, numbers)) if call.answer.left else value


def _describe(value: Any, seen: dict[int, int], numbers: list[tuple[float, ...]]) -> object:
    """Return the exact parts of a value; its floats are added to `numbers`."""
    if isinstance(value, RemoteObject):
        return "object", seen.setdefault(value._handle.number, len(seen))
    if isinstance(value, Program):
        return value.output, value.exit_code, sorted(value.files.items()), value.error.splitlines()[-1:]
    if is_record(value):
        value = record_of(value)
    if isinstance(value, Record):
        return value.type_name, [(name, _describe(item, seen, numbers)) for name, item in value.fields.items()]
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: repr(item[0]))
        return "dict", [(repr(key), _describe(item, seen, numbers)) for key, item in items]
    if isinstance(value, list | tuple):
        return type(value).__name__, [_describe(item, seen, numbers) for item in value]
    if isinstance(value, set | frozenset):
        return type(value).__name__, sorted(map(repr, value))
    if isinstance(value, NUMPY_SCALARS):
        value = value.item()
    if isinstance(value, float):
        return "float", _describe_number(value, numbers)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return "array", _describe_array(value, numbers)
    if isinstance(value, Tensor):
        return "tensor", _describe_tensor(value.detach(), numbers)
    if isinstance(value, Image.Image):
        return value.mode, value.size, hashlib.sha256(value.tobytes()).hexdigest()
    return type(value).__name__, repr(value)


def _describe_number(value: float, numbers: list[tuple[float, ...]]) -> object:
    """Return what `_describe_tensor` returns for a tensor of this one number, without importing torch."""
    finite = value if math.isfinite(value) else 0.0
    relative, _ = default_tolerance("float32")
    numbers.append((relative, _round_to_digits(abs(finite)), _round_to_digits(finite)))
    infinite = b"" if math.isfinite(value) else b"\3" if math.isnan(value) else b"\2" if value > 0 else b"\1"
    return ("torch.float64", ()), hashlib.sha256(infinite).hexdigest() if infinite else ""


def _describe_tensor(value: Tensor, numbers: list[tuple[float, ...]]) -> object:
    """Return the dtype and shape of a tensor and a hash of what is exact in it; add the rest to `numbers`."""
    if value.layout != torch.strided:
        return "other layout", repr(value)
    if value.is_complex():
        value = torch.view_as_real(value)
    kind = str(value.dtype), tuple(value.shape)
    if not value.is_floating_point():
        return kind, hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()
    tolerance, _ = default_tolerance(plain_dtype(value.dtype))
    flat = value.to(torch.float64).flatten()
    infinite = _hash_of_infinite(flat.numpy())
    flat = flat.nan_to_num(0.0, 0.0, 0.0)
    norm = float(flat.norm())
    numbers.append((tolerance, *map(_round_to_digits, (norm, *(_weights(len(flat)) @ flat).tolist()))))
    return kind, infinite


@lru_cache(maxsize=16)
def _weights(length: int) -> Tensor:
    """Return the directions that a tensor of this length is projected on; a single number is projected on itself."""
    if length == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    return torch.randn(_PROJECTIONS, length, dtype=torch.float64, generator=torch.Generator().manual_seed(length))


def _describe_array(value: np.ndarray, numbers: list[tuple[float, ...]]) -> object:
    """Return for an array what `_describe_tensor` returns for a tensor, without importing torch."""
    kind = value.dtype.name, value.shape
    if value.dtype.kind != "f":
        return kind, hashlib.sha256(value.tobytes()).hexdigest()
    tolerance, _ = default_tolerance(value.dtype.name)
    flat = value.astype(np.float64).ravel()
    infinite = _hash_of_infinite(flat)
    flat = np.nan_to_num(flat, nan=0.0, posinf=0.0, neginf=0.0)
    norm = float(np.linalg.norm(flat))
    numbers.append((tolerance, *map(_round_to_digits, (norm, *(_array_weights(len(flat)) @ flat).tolist()))))
    return kind, infinite


@lru_cache(maxsize=16)
def _array_weights(length: int) -> np.ndarray:
    """Return the directions that an array is projected on, of NumPy's random numbers that no version changes."""
    return np.ones((1, 1)) if length == 1 else np.random.RandomState(length).standard_normal((_PROJECTIONS, length))


def _hash_of_infinite(flat: np.ndarray) -> str:
    """Return a hash of where numbers are infinite or NaN; empty if all are finite."""
    infinite = np.where(np.isfinite(flat), 0.0, np.nan_to_num(flat, nan=3.0, posinf=2.0, neginf=1.0)).astype(np.uint8)
    return hashlib.sha256(infinite.tobytes()).hexdigest() if infinite.any() else ""


def _round_to_digits(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


def _close(one: Sequence[float], other: Sequence[float]) -> bool:
    tolerance, norm, *projections = one
    room = tolerance * norm + _SMALLEST
    pairs = zip([norm, *projections], other[1:], strict=True)
    return all(abs(a - b) <= room for a, b in pairs)


class FingerprintDiagnosis:
    """Search for the known mistakes that explain all failed checks of one function, by fingerprints; see `Diagnosis`.

    Args:
        function: its name.
        path: the unit's file of fingerprints.
    """

    spent = 0.0  # fingerprints take no time

    def __init__(self, function: str, path: Path) -> None:
        self._function = function
        found = read_fingerprints(path)
        self._fitting = {known: prints for known, prints in found.items() if known.function == function}
        self._known = bool(self._fitting)

    def add(self, failed: CheckCalls) -> bool:
        """Take a failed check into account. Return False if its calls tell nothing."""
        if any(known.name == failed.recognised for known in self._fitting):
            self._keep_fitting(lambda known, _: known.name == failed.recognised)
            return True
        failed = failed.of_function(self._function)
        if not self._known or not failed.diagnosable:
            return False
        self._keep_fitting(lambda _, prints: failed.seed in prints and prints[failed.seed].explains(failed))
        return True

    def add_passed(self, passed: CheckCalls) -> None:
        """Take a check that has passed into account: a mistake that has a fingerprint of it fails it."""
        self._keep_fitting(lambda _, prints: passed.seed not in prints)

    def _keep_fitting(self, fits: Callable[[Mistake, Mapping[int, Fingerprint]], bool]) -> None:
        self._fitting = {known: prints for known, prints in self._fitting.items() if fits(known, prints)}

    def mistakes(self, seconds: float = 0.0) -> tuple[Mistake, ...]:
        """Return the one mistake that explains everything, or nothing."""
        return tuple(self._fitting) if len(self._fitting) == 1 else ()


#: For each mistake its fingerprints, by the seed of a check's worker.
Fingerprints = Mapping[Mistake, Mapping[int, Fingerprint]]


def fingerprints_text(fingerprints: Fingerprints) -> str:
    """Return the text of a file of fingerprints, one mistake a line."""
    lines = (
        json.dumps(
            {
                **{"name": known.name, "function": known.function, "sentence": known.sentence},
                "checks": {str(seed): _short(found) for seed, found in prints.items()},
            },
            ensure_ascii=False,
        )
        for known, prints in fingerprints.items()
    )
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _short(fingerprint: Fingerprint) -> dict[str, object]:
    """Return the fields of a fingerprint that do not have their default."""
    plain = asdict(Fingerprint(""))
    return {name: value for name, value in asdict(fingerprint).items() if value != plain[name]}


def read_fingerprints(path: Path) -> Fingerprints:
    """Return the fingerprints of a file; none if there is no file.

    Raises:
        CatalogError: the file is not as a release writes it.
    """
    return _read(path, path.stat().st_mtime_ns) if path.is_file() else {}


@lru_cache(maxsize=32)
def _read(path: Path, _: int) -> Fingerprints:
    try:
        return dict(parse_fingerprints(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CatalogError(f"{path} is not as a release writes it ({error}); take it from the release again") from error


def parse_fingerprints(text: str) -> Iterator[tuple[Mistake, dict[int, Fingerprint]]]:
    """Yield each mistake of a file with its fingerprints.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it holds anything else.
    """
    for entry in json.loads(text):
        prints = {int(seed): _fingerprint(**facts) for seed, facts in entry.pop("checks").items()}
        yield Mistake(**entry), prints


def _fingerprint(exact: str = "", numbers: Sequence[Sequence[float]] = (), **more: Any) -> Fingerprint:
    kind = more.pop("kind", VALUES)
    if kind not in (VALUES, ALL, SIDE_EFFECTS, RECOGNISED):
        raise ValueError(f"no such kind of fingerprint: {kind}")
    if len(bytes.fromhex(exact)) * 2 != (0 if kind == RECOGNISED else _HASH_LENGTH):
        raise ValueError("a hash has another length")
    lists = {name: tuple(map(int, more.pop(name, ()))) for name in ("unworded", "printed")}
    if more:
        raise ValueError(f"unknown: {', '.join(more)}")
    return Fingerprint(exact, tuple(tuple(map(float, each)) for each in numbers), kind, **lists)
