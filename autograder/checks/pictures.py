"""Show a wrong value beside the one that was expected: an image as a small PNG, a small tensor as text, whole.

Images are tensors of (channels, height, width) or a batch of them, of 1 or 3 channels in [0, 1], and PIL images. Of a batch
the image that differs most is shown. Nothing else has a picture.
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
    wanted, found = _pixels(expected), _pixels(given)
    if wanted is None or found is None or wanted.shape != found.shape or not _in_range(wanted):
        return b""
    number = int((wanted - found).abs().nan_to_num(torch.inf).flatten(1).amax(1).argmax())
    panels = _panels(wanted[number], found[number])
    for side in _SIDES:
        data = label_panels([(label, _scale(image, side)) for label, image in panels])
        if len(data) <= MAX_BYTES:
            return data
    return b""


def _pixels(value: object) -> Tensor | None:
    """Return the images as float64 of (batch, channels, height, width), or None if there are none."""
    if isinstance(value, Image.Image) and value.mode in ("L", "RGB"):
        value = torch.tensor(np.atleast_3d(np.asarray(value))).permute(2, 0, 1) / 255
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.dim() not in (3, 4):
        return None
    fits = all(_SMALLEST <= side <= _LARGEST for side in value.shape[-2:])
    if not fits or value.shape[-3] not in (1, 3) or not value.numel():
        return None
    return value.detach().double().reshape(-1, *value.shape[-3:])


def _in_range(images: Tensor) -> bool:
    return bool(((images >= -1e-3) & (images <= 1 + 1e-3)).all())


def _panels(wanted: Tensor, found: Tensor) -> list[tuple[str, Image.Image]]:
    """Return each panel with its label, as large as the images."""
    distance = (wanted - found).abs().amax(0)
    finite = distance[distance.isfinite()]
    largest = float(finite.max()) if len(finite) else 0.0
    return [
        (EXPECTED, _image(wanted)),
        (GIVEN, _image(found)),
        (f"difference, at most {largest:.2g}", _heat(distance, largest)),
    ]


def _image(pixels: Tensor) -> Image.Image:
    """Return an image of (channels, height, width) in [0, 1], with a loud colour at pixels that are no number."""
    broken = ~pixels.isfinite().all(0)
    colours = (pixels.nan_to_num().clamp(0, 1) * 255).round().byte().expand(3, -1, -1).permute(1, 2, 0).clone()
    colours[broken] = torch.tensor(_NO_NUMBER, dtype=torch.uint8)
    return Image.fromarray(colours.numpy())


def _heat(distance: Tensor, largest: float) -> Image.Image:
    """Return a heat map: white where nothing differs, through yellow to red where the most does."""
    level = 2 * distance / largest if largest > 0 else torch.zeros_like(distance)
    colours = torch.stack([torch.ones_like(level), 2 - level.clamp(min=1), 1 - level.clamp(max=1)])
    return _image(torch.where(distance.isfinite(), colours, torch.nan))


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
    if sum(len(block[0]) for block in blocks) + 2 * len(GAP) <= _WIDTH:
        return "\n".join(GAP.join(row).rstrip() for row in zip(*blocks, strict=True))
    return "\n".join(line.rstrip() for block in blocks for line in block)


def _tensor(value: object) -> Tensor | None:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        value = torch.from_numpy(value.copy())
    return value.detach().cpu() if isinstance(value, Tensor) and value.layout == torch.strided else None


def _block(name: str, values: Tensor) -> list[str]:
    """Return the name of a tensor and its rows along the last dimension, as lines of one length."""
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
