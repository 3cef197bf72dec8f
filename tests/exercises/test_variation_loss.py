"""Checks of variation_loss. The first line of each docstring is what the student reads."""

import math
from functools import partial

import pytest
import torch
from inspections import SINGLE, assert_each_close, assert_tidy
from torch import Tensor

from autograder.compare import (
    assert_between,
    assert_close,
    assert_holds,
    assert_kind,
    assert_mentions,
    assert_raises,
)
from autograder.errors import Raised

NOISE = 0.1
SIDE = 32


def random_images(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=rng)


def step_image(rows: int, columns: int, *, dark_rows: int = 0, dark_columns: int = 0) -> Tensor:
    """White, with some black rows at the top or black columns at the left: (1, 3, rows, columns)."""
    image = torch.ones(1, 3, rows, columns)
    image[:, :, :dark_rows] = 0
    image[:, :, :, :dark_columns] = 0
    return image


def with_one_channel_inverted(image: Tensor) -> Tensor:
    """The image whose second channel falls where the others rise: differences of a sum of channels would cancel."""
    return torch.stack([image[:, 0], 1 - image[:, 1], image[:, 2]], dim=1)


def slope(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """A float64 image of 4 x 5 that grows brighter downwards and to the right, and its variation: that from edge to edge."""
    down = torch.rand(4, 1, generator=rng, dtype=torch.float64).cumsum(dim=0) / 9
    across = torch.rand(1, 5, generator=rng, dtype=torch.float64).cumsum(dim=1) / 9
    return (down + across).view(1, 1, 4, 5), 5 * (down[-1] - down[0]) + 4 * (across[:, -1] - across[:, 0])


def lone_bright_pixel() -> Tensor:
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 2] = 1
    return image


def uniform(rng: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    return low + (high - low) * torch.rand(*shape, generator=rng)


def flat(rng: torch.Generator) -> Tensor:
    """One colour by lot: (3, SIDE, SIDE)."""
    return uniform(rng, 0.3, 0.7, 3, 1, 1).expand(3, SIDE, SIDE)


def smooth(rng: torch.Generator) -> Tensor:
    """A wave in each channel, of any direction and phase, about two thirds of its length: (3, SIDE, SIDE)."""
    turn, phase = uniform(rng, 0, 2 * math.pi, 2, 3, 1, 1)
    place = torch.linspace(0, 4, SIDE)
    return 0.5 + 0.25 * torch.sin(phase + turn.cos() * place[:, None] + turn.sin() * place)


def board(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """A chess board of 8 x 8 pixels a square, shifted and coloured by lot, and where it is light: (3, SIDE, SIDE) each."""
    down, across = torch.randint(16, (2, 1), generator=rng)
    rows, columns = (torch.arange(SIDE) + down) // 8, (torch.arange(SIDE) + across) // 8
    light = ((rows[:, None] + columns) % 2 == 1).expand(3, SIDE, SIDE)
    dark, bright = uniform(rng, 0.15, 0.25, 3, 1, 1), uniform(rng, 0.75, 0.85, 3, 1, 1)
    return torch.where(light, bright, dark), light


def stripes(rng: torch.Generator, down: bool | None = None) -> tuple[Tensor, Tensor]:
    """Stripes one pixel wide, across or down (by lot, if not told) and coloured by lot, and where they are light.

    Returns:
        The picture and its light places: (3, SIDE, SIDE) each.
    """
    drawn, shift = torch.randint(2, (2,), generator=rng).tolist()
    turned = drawn if down is None else down
    light = ((torch.arange(SIDE) + shift) % 2 == 1).expand(3, SIDE, SIDE)
    light = light.transpose(1, 2) if turned else light
    dark, bright = uniform(rng, 0.13, 0.17, 3, 1, 1), uniform(rng, 0.83, 0.87, 3, 1, 1)
    return torch.where(light, bright, dark), light


def contrast(picture: Tensor, light: Tensor) -> float:
    return float(picture[light].mean() - picture[~light].mean())


def noisy(clean: Tensor, rng: torch.Generator) -> Tensor:
    return (clean + NOISE * torch.randn(clean.shape, generator=rng)).clamp(0, 1)


def roughness(images: Tensor) -> Tensor:
    """For each image the sum of what neighbours differ by."""
    pairs = ((images[:, :, 1:], images[:, :, :-1]), (images[..., 1:], images[..., :-1]))
    return sum((one - other).abs().flatten(1).sum(1) for one, other in pairs)


def assert_images(result, shape, attached: str = "") -> None:
    """The result is a detached batch of images; `attached` names the mistake if it requires gradients."""
    assert_kind(result, shape)
    assert_between(result, 0, 1)
    problem = "returned a tensor that requires gradients, expected a detached one"
    assert_holds(not result.requires_grad, problem, result, mistake=attached)


# --- total_variation


@pytest.mark.points("total_variation", 1)
def test_total_variation_of_each_image(submission, rng):
    """There is one number for each image: 15, 0 and 12 for an edge across 5 columns, none, and one along 4 rows."""
    edges = [step_image(4, 5, dark_rows=2), step_image(4, 5), step_image(4, 5, dark_columns=2)]
    image, variation = slope(rng)
    assert_each_close(
        (submission.total_variation(torch.cat(edges)), torch.tensor([15.0, 0.0, 12.0])),
        (submission.total_variation(torch.cat(edges[::-1])), torch.tensor([12.0, 0.0, 15.0])),
        # From edge to edge, in steps of any height.
        (submission.total_variation(image.float()), variation.float()),
        (submission.total_variation(lone_bright_pixel()), torch.tensor([4.0])),
    )


@pytest.mark.points("total_variation", 1)
def test_vertical_neighbours(submission):
    """Neighbours above one another count: an edge across 5 columns and 3 channels is worth 15."""
    edge = step_image(4, 5, dark_rows=2)
    images = edge, edge.flip(2), with_one_channel_inverted(edge)
    assert_each_close(*((submission.total_variation(image), torch.tensor([15.0])) for image in images))


@pytest.mark.points("total_variation", 1)
def test_horizontal_neighbours(submission):
    """Neighbours side by side count: an edge along 4 rows and 3 channels is worth 12."""
    edge = step_image(4, 5, dark_columns=2)
    images = edge, edge.flip(3), with_one_channel_inverted(edge)
    assert_each_close(*((submission.total_variation(image), torch.tensor([12.0])) for image in images))


@pytest.mark.points("total_variation", 0.5)
@pytest.mark.depends_on("test_total_variation_of_each_image")
def test_constant_image(submission, rng):
    """An image of one colour has no variation: the channels of a pixel are no neighbours."""
    colours = random_images(rng, 2, 3, 1, 1).expand(2, 3, 5, 7).contiguous()
    assert_close(submission.total_variation(colours), torch.zeros(2))


@pytest.mark.points("total_variation", 1)
@pytest.mark.depends_on("test_total_variation_of_each_image")
def test_side_of_length_one(submission):
    """A side of length 1 contributes nothing."""
    for rows, columns, expected in [(2, 4, 6.0), (1, 4, 3.0), (4, 1, 3.0), (1, 1, 0.0)]:
        image = torch.zeros(1, 3, rows, columns)
        image[..., -1, -1] = 1
        assert_close(submission.total_variation(image), torch.tensor([expected]))


@pytest.mark.points("total_variation", 1)
@pytest.mark.depends_on("test_total_variation_of_each_image")
def test_total_variation_gradient(submission):
    """The gradient is 4 at a lone bright pixel, and finite between equal pixels."""
    assert_close(submission.total_variation(lone_bright_pixel()), torch.tensor([4.0]))
    gradient = submission.total_variation.gradient(lone_bright_pixel())
    assert_kind(gradient, (1, 1, 5, 5))
    assert_holds(
        abs(gradient[0, 0, 2, 2] - 4) < 1e-4,
        f"is {gradient[0, 0, 2, 2]:g} at the bright pixel, expected 4",
        gradient,
    )


@pytest.mark.points("total_variation", 0.5)
@pytest.mark.depends_on("test_total_variation_of_each_image")
def test_total_variation_leaves_images_alone(submission, rng):
    """The images are not changed, and float64 stays float64."""
    image, variation = slope(rng)
    assert_close(assert_tidy(submission, partial(submission.total_variation, image)), variation, **SINGLE)


@pytest.mark.points("total_variation", 0.5)
@pytest.mark.depends_on("test_total_variation_of_each_image")
def test_total_variation_refuses_other_dimensions(submission):
    """Anything but four dimensions is a ValueError that names `images`."""
    for shape in [(3, 8, 8), (8, 8), (1, 2, 3, 8, 8)]:
        assert_mentions(assert_raises(ValueError, submission.total_variation, torch.zeros(shape)), "images")


@pytest.mark.points("total_variation", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_total_variation_of_each_image")
def test_total_variation_on_random_images(submission, reference, rng):
    """Random images have the right variation."""
    for shape in [(3, 3, 9, 16), (1, 1, 2, 2), (2, 4, 33, 7)]:
        images = random_images(rng, *shape)
        assert_close(submission.total_variation(images), reference.total_variation(images))


@pytest.mark.points("total_variation", 0.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_total_variation_of_each_image")
def test_total_variation_gradient_on_random_images(submission, reference, rng):
    """The gradient is right on random images, each weighted on its own."""
    images = random_images(rng, 3, 3, 6, 9).requires_grad_()
    weights = torch.tensor([1.0, -2.0, 0.5])
    (expected,) = torch.autograd.grad((reference.total_variation(images) * weights).sum(), images)
    assert_close(submission.total_variation.gradient(images.detach(), weights=weights), expected)


# --- isotropic_variation

# Differences of 0.3 and 0.4 at the one pixel that has both neighbours.
CORNER = torch.tensor([[[[0.1, 0.4], [0.5, 0.9]]]])


@pytest.mark.points("isotropic_variation", 1.5)
def test_both_differences_meet_under_one_root(submission):
    """Differences of 0.3 and 0.4 at one pixel make 0.5."""
    smaller = torch.tensor([[[[0.6, 0.4], [0.75, 0.2]]]])
    assert_each_close(
        (submission.isotropic_variation(CORNER), torch.tensor([0.5])),
        # And of -0.2 and 0.15 a quarter.
        (submission.isotropic_variation(smaller), torch.tensor([0.25])),
    )


@pytest.mark.points("isotropic_variation", 0.5)
def test_isotropic_variation_of_each_image(submission):
    """There is one number for each image."""
    images = torch.cat([CORNER, CORNER / 2, 1 - CORNER]).expand(3, 3, 2, 2)
    assert_close(submission.isotropic_variation(images), torch.tensor([1.5, 0.75, 1.5]))
    assert_close(submission.isotropic_variation(images.roll(1, 0)), torch.tensor([1.5, 1.5, 0.75]))


@pytest.mark.points("isotropic_variation", 1)
@pytest.mark.depends_on("test_both_differences_meet_under_one_root")
def test_eps_is_inside_the_root(submission):
    """A constant image has sqrt(eps) at each pixel with both neighbours."""
    image = torch.full((1, 3, 5, 4), 0.6)
    assert_close(submission.isotropic_variation(image, eps=0.01), torch.tensor([3 * 4 * 3 * 0.1]))
    # By default eps is 1e-8.
    assert_close(submission.isotropic_variation(image), torch.tensor([3 * 4 * 3 * 1e-4]), rtol=1e-3)


@pytest.mark.points("isotropic_variation", 1)
@pytest.mark.depends_on("test_both_differences_meet_under_one_root")
def test_no_pixel_with_both_neighbours(submission):
    """An image of one row or one column has no variation of this kind."""
    assert_close(submission.isotropic_variation(CORNER), torch.tensor([0.5]))  # which a wrong border would change too
    for rows, columns in [(1, 5), (5, 1), (1, 1)]:
        images = torch.linspace(0, 1, 2 * rows * columns).reshape(2, 1, rows, columns)
        assert_close(submission.isotropic_variation(images), torch.zeros(2))


@pytest.mark.points("isotropic_variation", 0.5)
@pytest.mark.depends_on("test_both_differences_meet_under_one_root")
def test_isotropic_gradient_is_finite(submission):
    """The gradient is each difference by the root of both, and zero, not NaN, on a constant image."""
    expected = torch.tensor([[[[-1.4, 0.6], [0.8, 0.0]]]])
    assert_close(submission.isotropic_variation.gradient(CORNER), expected, atol=1e-5)
    gradient = submission.isotropic_variation.gradient(torch.full((1, 3, 4, 4), 0.5))
    assert_close(gradient, torch.zeros(1, 3, 4, 4), atol=1e-5)


@pytest.mark.points("isotropic_variation", 0.5)
@pytest.mark.depends_on("test_both_differences_meet_under_one_root")
def test_isotropic_variation_leaves_images_alone(submission):
    """The images are not changed, and float64 stays float64."""
    corner = torch.tensor([[[[0.1, 0.4], [0.5, 0.9]]]], dtype=torch.float64)
    result = assert_tidy(submission, partial(submission.isotropic_variation, corner, eps=1e-30))
    assert_close(result, torch.tensor([0.5], dtype=torch.float64), **SINGLE)
    # Also where no pixel has both neighbours.
    assert_kind(submission.isotropic_variation(corner[:, :, :1]), (1,), torch.float64)


@pytest.mark.points("isotropic_variation", 0.5)
@pytest.mark.depends_on("test_both_differences_meet_under_one_root")
def test_isotropic_variation_refuses_other_dimensions(submission):
    """Anything but four dimensions is a ValueError that names `images`."""
    for shape in [(3, 8, 8), (1, 2, 3, 8, 8)]:
        assert_mentions(assert_raises(ValueError, submission.isotropic_variation, torch.zeros(shape)), "images")


@pytest.mark.points("isotropic_variation", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_both_differences_meet_under_one_root")
def test_isotropic_variation_on_random_images(submission, reference, rng):
    """Random images have the right variation."""
    for shape, eps in [((3, 3, 9, 16), 1e-4), ((2, 1, 2, 7), 0.5)]:
        images = random_images(rng, *shape)
        expected = reference.isotropic_variation(images, eps=eps)
        assert_close(submission.isotropic_variation(images, eps=eps), expected)


@pytest.mark.points("isotropic_variation", 0.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_both_differences_meet_under_one_root")
def test_isotropic_gradient_on_random_images(submission, reference, rng):
    """The gradient is right on random images."""
    images = random_images(rng, 2, 3, 6, 9).requires_grad_()
    (expected,) = torch.autograd.grad(reference.isotropic_variation(images, eps=0.01).sum(), images)
    found = submission.isotropic_variation.gradient(images.detach(), eps=0.01)
    assert_close(found, expected, rtol=1e-3, atol=1e-4)


# --- variation_loss


@pytest.mark.points("variation_loss", 1)
def test_variation_loss_is_a_scalar(submission):
    """There is a single number for the whole batch, the mean: 0.225 for edges worth 15 and 12, of 60 entries each."""
    images = torch.cat([step_image(4, 5, dark_rows=2), step_image(4, 5, dark_columns=2)])
    assert_each_close(
        (submission.variation_loss(images), torch.tensor(0.225)),
        (submission.variation_loss(images / 3), torch.tensor(0.075)),
        (submission.variation_loss(torch.cat([images[:1], images[:1].flip(2)])), torch.tensor(0.25)),
    )


@pytest.mark.points("variation_loss", 1)
@pytest.mark.depends_on("test_variation_loss_is_a_scalar")
def test_loss_per_entry(submission):
    """Stripes one pixel wide have (W - 1) / W, whatever the height, the channels and the batch."""
    for width in (4, 10):
        stripes = (torch.arange(width) % 2).float().expand(2, 3, 5, width).contiguous()
        assert_close(submission.variation_loss(stripes), torch.tensor((width - 1) / width))
        assert_close(submission.variation_loss(stripes[:1, :1]), torch.tensor((width - 1) / width))
        assert_close(submission.variation_loss(stripes[:, :, :1]), torch.tensor((width - 1) / width))


@pytest.mark.points("variation_loss", 0.5)
def test_variation_loss_gradient(submission):
    """The loss is differentiable: its gradient is 4/25 at the lone bright pixel of a picture of 5 x 5."""
    gradient = submission.variation_loss.gradient(lone_bright_pixel())
    assert_kind(gradient, (1, 1, 5, 5))
    found = float(gradient[0, 0, 2, 2])
    assert_holds(abs(found - 4 / 25) < 1e-5, f"is {found:g} at the bright pixel, expected 0.16", gradient)


@pytest.mark.points("variation_loss", 0.25)
@pytest.mark.depends_on("test_variation_loss_is_a_scalar")
def test_variation_loss_leaves_images_alone(submission, rng):
    """The images are not changed, and float64 stays float64."""
    image, variation = slope(rng)
    assert_close(assert_tidy(submission, partial(submission.variation_loss, image)), variation[0] / 20, **SINGLE)


@pytest.mark.points("variation_loss", 0.5)
@pytest.mark.depends_on("test_variation_loss_is_a_scalar")
def test_variation_loss_refuses_other_dimensions(submission):
    """Anything but four dimensions is a ValueError that names `images`."""
    for shape in [(3, 8, 8), (1, 2, 3, 8, 8)]:
        assert_mentions(assert_raises(ValueError, submission.variation_loss, torch.zeros(shape)), "images")


@pytest.mark.points("variation_loss", 0.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_variation_loss_is_a_scalar")
def test_variation_loss_on_random_images(submission, reference, rng):
    """A batch of random images has the right loss."""
    images = random_images(rng, 3, 3, 7, 12)
    assert_close(submission.variation_loss(images), reference.variation_loss(images))


@pytest.mark.points("variation_loss", 0.25)
@pytest.mark.hidden
@pytest.mark.depends_on("test_variation_loss_is_a_scalar")
def test_variation_loss_gradient_on_random_images(submission, reference, rng):
    """The gradient is right on random images."""
    images = random_images(rng, 2, 3, 6, 9).requires_grad_()
    (expected,) = torch.autograd.grad(reference.variation_loss(images), images)
    assert_close(submission.variation_loss.gradient(images.detach()), expected)


# --- denoise


def stripes_left(submission, rng: torch.Generator, *, down: bool | None = None, **options) -> float:
    """The share of the contrast that is left of noisy stripes one pixel wide."""
    clean, light = stripes(rng, down)
    result = submission.denoise(noisy(clean, rng)[None], **options)
    assert_kind(result, (1, *clean.shape))
    return contrast(result[0], light) / contrast(clean, light)


STRIPES = "the share of the contrast between stripes one pixel wide that is left"


@pytest.mark.points("denoise", 2)
def test_denoise_halves_the_error(submission, rng):
    """On pictures of one colour and of smooth waves, new each time, at least half of the squared error goes."""
    # A filter halves the error too, but takes away what is as fine as the noise.
    assert_between(stripes_left(submission, rng, steps=12), low=0.4, what=STRIPES)
    clean = torch.stack([flat(rng), smooth(rng), smooth(rng)])[torch.randperm(3, generator=rng)]
    images = noisy(clean, rng)
    result = submission.denoise(images)
    assert_kind(result, clean.shape)
    for share in ((result - clean) ** 2).sum((1, 2, 3)) / ((images - clean) ** 2).sum((1, 2, 3)):
        assert_between(float(share), 0, 0.5, what="the squared error that is left, as a share of the noise,")


@pytest.mark.points("denoise", 1)
@pytest.mark.depends_on("test_denoise_halves_the_error")
def test_denoise_lowers_the_variation(submission, rng):
    """On smooth pictures 0.6 of the variation and half of the error are left at most, and what varies in the clean ones."""
    # So many that a variation averaged over them would weigh nothing.
    clean = torch.stack([smooth(rng) for _ in range(8)]).view(6, 4, SIDE, SIDE)  # of four channels each
    images = noisy(clean, rng)
    result = submission.denoise(images, steps=25)
    assert_kind(result, images.shape)
    least, left = (roughness(each).sum() / roughness(images).sum() for each in (clean, result))
    assert_between(float(left), float(0.5 * least), 0.6, what="the share of the variation that is left")
    for channel in range(4):
        left = roughness(result[:, channel, None]).sum() / roughness(images[:, channel, None]).sum()
        what = f"the share of the variation that is left in channel {channel} of 4"
        assert_between(float(left), high=0.75, what=what)
    share = ((result - clean) ** 2).sum() / ((images - clean) ** 2).sum()
    assert_between(float(share), 0, 0.5, what="the squared error that is left, as a share of the noise,")


def nearness_mistake(submission):
    """The known mistake of a function whose pictures nothing holds near the images: each step moves all pixels by 0.01."""
    columns = torch.tensor([0.2, 0.8]).expand(1, 3, 2, 2).contiguous()
    result = submission.denoise(columns, weight=0.2, steps=10)
    free = isinstance(result, Tensor) and result.shape == columns.shape
    free = free and bool((result - torch.tensor([0.3, 0.7])).abs().max() < 2e-3)
    return ("stays_near_what_it_changes" if submission.last.changed else "forgets_nearness") if free else ""


@pytest.mark.points("denoise", 1)
@pytest.mark.depends_on("test_denoise_halves_the_error")
def test_denoise_keeps_a_real_pattern(submission, rng):
    """Squares of 8 x 8 pixels keep at least two thirds of their contrast, and get no more of it; fine stripes keep half."""
    clean, light = board(rng)
    mistake = nearness_mistake(submission)
    result = submission.denoise(noisy(clean, rng)[None], weight=0.2, steps=50)
    assert_kind(result, (1, *clean.shape))
    share = contrast(result[0], light) / contrast(clean, light)
    what = "the share of the contrast between light and dark squares that is left"
    assert_between(share, 2 / 3, 1.1, what=what, mistake=mistake if share < 2 / 3 else "")
    assert_between(stripes_left(submission, rng), low=0.5, what=STRIPES, mistake=mistake)


@pytest.mark.points("denoise", 1)
@pytest.mark.depends_on("test_denoise_halves_the_error")
def test_denoise_gives_images(submission, rng):
    """The result has the shape of the images, is detached, and lies in [0, 1], however long the steps."""
    images = random_images(rng, 2, 3, 8, 10)
    long = {"weight": 1.0, "learning_rate": 2.0}
    # Black and white alone stay where they are if the objective clamps them; what lies between leaves the range.
    for pictures, sizes in ((images, {}), (images.round(), long), (images, long)):
        assert_images(submission.denoise(pictures, steps=3, **sizes), images.shape)
    try:
        result = submission.denoise(images.clone().requires_grad_(), steps=3)
    except Raised:
        return  # a clone of images that require gradients is no leaf: neither backward() nor an optimizer takes it for one
    assert_images(result, images.shape, "stays_attached")


@pytest.mark.points("denoise", 0.5)
@pytest.mark.depends_on("test_denoise_halves_the_error")
def test_denoise_leaves_images_alone(submission, rng):
    """The noisy images are not changed, and float64 stays float64."""
    images = random_images(rng, 1, 3, 8, 8).double()
    result = assert_tidy(submission, partial(submission.denoise, images, steps=3))
    assert_kind(result, images.shape, torch.float64)


@pytest.mark.points("denoise", 0.5)
@pytest.mark.depends_on("test_denoise_halves_the_error")
def test_no_weight_on_smoothness(submission, rng):
    """With weight 0 nothing pulls the pictures away from the images, and with 0.5 fine stripes keep at most a third."""
    images = 0.1 + 0.8 * random_images(rng, 2, 3, 8, 8)
    for some in (images, images.flip(0)):
        assert_close(submission.denoise(some, weight=0.0, steps=10), some, atol=0.01)
    for down in (False, True):
        assert_between(stripes_left(submission, rng, down=down, weight=0.5), -1 / 3, 1 / 3, what=STRIPES)


def what_stays(pictures, once, often):
    """Return the mistake that pictures denoised in one and in many steps show, or nothing."""
    if torch.equal(once, often):
        return "ignores_the_steps"
    height = pictures.shape[2]
    beyond_the_square = pictures[..., height:]
    unchanged = beyond_the_square.numel() > 0 and torch.equal(often[..., height:], beyond_the_square)
    return "smooths_a_square_only" if unchanged else ""


@pytest.mark.points("denoise", 0.5)
@pytest.mark.depends_on("test_denoise_halves_the_error")
def test_more_steps_denoise_more(submission, rng):
    """Many steps leave less of the variation than a single one, which changes little."""
    images = noisy(smooth(rng)[None], rng)
    for pictures in (images, images[:, :, :2]):  # a picture need not be a square
        once, often = (submission.denoise(pictures, steps=steps) for steps in (1, 40))
        for result in (once, often):
            assert_kind(result, pictures.shape)
        left = [float(roughness(result) / roughness(pictures)) for result in (once, often)]
        assert_holds(
            left[0] > 1.1 * left[1],
            f": {left[0]:.2f} of the variation is left after one step, and {left[1]:.2f} after 40",
            mistake=what_stays(pictures, once, often),
        )
    assert_close(submission.denoise(images, steps=20, learning_rate=1e-6), images, atol=1e-3)
    # All of so many are made: while they are short, eight times as many lead further, if the k-th is shorter by the root of k
    # too. To hardly move at all leads nowhere.
    images = images[:, :, :12, :12]
    results = [submission.denoise(images, steps=steps, learning_rate=1e-4) for steps in (20, 159, 160)]
    for result in results:
        assert_kind(result, images.shape)
    stopped = torch.equal(*results[1:])
    assert_holds(not stopped, "leads as far in 160 steps as in 159", results[2], mistake="stops_after_100_steps")
    once, _, often = (float((result - images).abs().sum()) for result in results)
    times = often / max(once, 1e-3)
    assert_holds(times > 2.3, f"leads {times:.2f} times as far as an eighth of the steps")


@pytest.mark.points("denoise", 0.5)
@pytest.mark.depends_on("test_denoise_halves_the_error")
def test_denoise_refuses_other_dimensions(submission):
    """Anything but four dimensions is a ValueError that names `images`."""
    for shape in [(3, 8, 8), (1, 2, 3, 8, 8)]:
        assert_mentions(assert_raises(ValueError, submission.denoise, torch.zeros(shape)), "images")
