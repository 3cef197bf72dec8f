"""Show a small tensor whole: what was expected, beside what came back, beside their difference."""

from collections.abc import Sequence

from autograder.libraries import Tensor, np, torch

#: A tensor with more entries is told by its first wrong one alone.
_MOST = 36
#: Blocks stand side by side up to this width, and one below the other beyond it.
_WIDTH = 72
_GAP = "   "
_NAMES = ("expected", "returned", "difference")
_DIGITS = 5


def side_by_side(expected: object, returned: object) -> str:
    """Return lines with both values and their difference; empty unless both are small tensors or arrays of one shape.

    Args:
        expected: what the check wanted.
        returned: what the student's function gave.
    """
    tensors = [_tensor(value) for value in (expected, returned)]
    if any(tensor is None for tensor in tensors):
        return ""
    one, other = (tensor for tensor in tensors if tensor is not None)
    if one.shape != other.shape or not 1 < one.numel() <= _MOST:
        return ""
    wide = torch.complex128 if one.is_complex() or other.is_complex() else torch.float64
    blocks = [
        _block(name, values) for name, values in zip(_NAMES, (one, other, other.to(wide) - one.to(wide)), strict=True)
    ]
    if sum(len(block[0]) for block in blocks) + 2 * len(_GAP) <= _WIDTH:
        return "\n".join(_GAP.join(row).rstrip() for row in zip(*blocks, strict=True))
    return "\n".join(line.rstrip() for block in blocks for line in block)


def _tensor(value: object) -> Tensor | None:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        value = torch.from_numpy(value.copy())
    return value.detach().cpu() if isinstance(value, Tensor) and value.layout == torch.strided else None


def _block(name: str, values: Tensor) -> list[str]:
    """Return the name and the rows of a tensor, all of one length; of more than two dimensions, the rows of the last."""
    rows = values.reshape(-1, values.shape[-1]) if values.dim() else values.reshape(1, 1)
    words = [[_entry(entry) for entry in row] for row in rows.tolist()]
    widths = [max(map(len, column)) for column in zip(*words, strict=True)]
    lines = [name, *("  ".join(_pad(row, widths)) for row in words)]
    width = max(map(len, lines))
    return [line.ljust(width) for line in lines]


def _pad(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [word.rjust(width) for word, width in zip(row, widths, strict=True)]


def _entry(value: object) -> str:
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)
