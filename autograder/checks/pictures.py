"""Show a wrong value beside the one that was expected: an image as a small PNG, a small tensor as text, whole.

Images are tensors of (channels, height, width) or a batch of them, of 1 or 3 channels in [0, 1], and PIL images. Of a batch
the image that differs most is shown. Nothing else has a picture. Everything is computed in NumPy, so that a course without
PyTorch has its pictures too.
"""

from collections.abc import Sequence

from autograder.libraries import Image, Tensor, np, torch
from autograder.results.labels import DIFFERENCE, EXPECTED, GAP, GIVEN, RETURNED, label_panels

#: A picture goes into the result of a submission, into notebooks and pages.
MAX_BYTES = 48_000
#: Sides of a panel, tried in turn until the picture is small enough.
_SIDES = (144, 96, 48)
_SMALLEST, _LARGEST = 2, 2048
_NO_NUMBER = (255, 0, 255)


def comparison(expected: object, given: object) -> bytes:
    """Return a PNG with the expected image, the given one and their difference side by side.

    Args:
        expected: an image, or a batch of them.
        given: likewise; of the same shape, or there is nothing to compare.

    Returns:
        The bytes of the picture, at most `MAX_BYTES`; empty if these are no images.
    """
    try:
        wanted, found = _pixels(expected), _pixels(given)
    except ModuleNotFoundError:  # a course may have Pillow without NumPy
        return b""
    if wanted is None or found is None or wanted.shape != found.shape or not _in_range(wanted):
        return b""
    distances = np.nan_to_num(_distance(wanted, found), nan=np.inf)
    number = int(distances.reshape(len(distances), -1).max(axis=1).argmax())
    panels = _panels(wanted[number], found[number])
    for side in _SIDES:
        data = label_panels([(label, _scale(image, side)) for label, image in panels])
        if len(data) <= MAX_BYTES:
            return data
    return b""


def _pixels(value: object) -> np.ndarray | None:
    """Return the images as float64 of (batch, channels, height, width), or None if there are none."""
    if isinstance(value, Image.Image) and value.mode in ("L", "RGB"):
        images = np.atleast_3d(np.asarray(value)).transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    elif isinstance(value, Tensor) and value.is_floating_point() and value.dim() in (3, 4):
        images = value.detach().double().numpy(force=True)
    else:
        return None
    fits = all(_SMALLEST <= side <= _LARGEST for side in images.shape[-2:])
    if not fits or images.shape[-3] not in (1, 3) or not images.size:
        return None
    return images.astype(np.float64).reshape(-1, *images.shape[-3:])


def _in_range(images: np.ndarray) -> bool:
    return bool(((images >= -1e-3) & (images <= 1 + 1e-3)).all())


def _distance(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return how far apart the entries are; NaN if that is no number."""
    with np.errstate(invalid="ignore"):
        distance: np.ndarray = np.abs(wanted - found)
    return distance


def _panels(wanted: np.ndarray, found: np.ndarray) -> list[tuple[str, Image.Image]]:
    """Return each panel with its label, as large as the images."""
    distance = _distance(wanted, found).max(axis=0)
    finite = distance[np.isfinite(distance)]
    largest = float(finite.max()) if finite.size else 0.0
    return [
        (EXPECTED, _image(wanted)),
        (GIVEN, _image(found)),
        (f"difference, at most {largest:.2g}", _heat(distance, largest)),
    ]


def _image(pixels: np.ndarray) -> Image.Image:
    """Return an image of (channels, height, width) in [0, 1], with a loud colour at pixels that are no number."""
    broken = ~np.isfinite(pixels).all(axis=0)
    levels = (np.nan_to_num(pixels).clip(0, 1) * 255).round().astype(np.uint8)
    colours = np.broadcast_to(levels, (3, *levels.shape[1:])).transpose(1, 2, 0).copy()
    colours[broken] = _NO_NUMBER
    return Image.fromarray(colours)


def _heat(distance: np.ndarray, largest: float) -> Image.Image:
    """Return a heat map: white where nothing differs, through yellow to red where the most does."""
    level = 2 * distance / largest if largest > 0 else np.zeros_like(distance)
    colours = np.stack([np.ones_like(level), 2 - level.clip(min=1), 1 - level.clip(max=1)])
    return _image(np.where(np.isfinite(distance), colours, np.nan))


def _scale(image: Image.Image, side: int) -> Image.Image:
    """Scale an image so that its longer side has `side` pixels; a small image is enlarged in whole squares."""
    factor = side / max(image.size)
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return image.resize(size, Image.Resampling.NEAREST if factor > 1 else Image.Resampling.BOX)


#: A tensor with more entries is told by its first wrong one alone.
_MOST = 36
#: Blocks stand side by side up to this width, and one below the other beyond it.
_WIDTH = 72
_NAMES = (EXPECTED, RETURNED, DIFFERENCE)
_DIGITS = 5


def side_by_side(expected: object, returned: object) -> str:
    """Return lines with both values and their difference; empty unless both are small tensors or arrays of one shape.

    Args:
        expected: what the check wanted.
        returned: what the student's function gave.
    """
    one, other = _numbers(expected), _numbers(returned)
    if one is None or other is None or one.shape != other.shape or not 1 < one.size <= _MOST:
        return ""
    wide = np.complex128 if "c" in (one.dtype.kind, other.dtype.kind) else np.float64
    with np.errstate(invalid="ignore", over="ignore"):
        differences = other.astype(wide) + one.astype(wide) * wide(-1)  # as PyTorch subtracts complex numbers
    blocks = [_block(name, values) for name, values in zip(_NAMES, (one, other, differences), strict=True)]
    if sum(len(block[0]) for block in blocks) + 2 * len(GAP) <= _WIDTH:
        return "\n".join(GAP.join(row).rstrip() for row in zip(*blocks, strict=True))
    return "\n".join(line.rstrip() for block in blocks for line in block)


def _numbers(value: object) -> np.ndarray | None:
    """Return a tensor or an array of numbers as an array, floats in double precision; None for anything else."""
    if isinstance(value, Tensor) and value.layout == torch.strided:
        wide = torch.complex128 if value.is_complex() else torch.float64 if value.is_floating_point() else value.dtype
        return value.to(wide).numpy(force=True)
    return value if isinstance(value, np.ndarray) and value.dtype.kind in "biufc" else None


def _block(name: str, values: np.ndarray) -> list[str]:
    """Return the name of an array and its rows along the last dimension, as lines of one length."""
    words = [[_entry(entry) for entry in row] for row in values.reshape(-1, values.shape[-1]).tolist()]
    widths = [max(map(len, column)) for column in zip(*words, strict=True)]
    lines = [name, *("  ".join(_pad(row, widths)) for row in words)]
    width = max(map(len, lines))
    return [line.ljust(width) for line in lines]


def _pad(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [word.rjust(width) for word, width in zip(row, widths, strict=True)]


def _entry(value: object) -> str:
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)
