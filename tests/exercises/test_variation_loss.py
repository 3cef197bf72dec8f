"""Checks of variation_loss. The first line of each docstring is what the student reads."""

import pytest
import torch
from torch import Tensor

from autograder.compare import (
    assert_between,
    assert_close,
    assert_holds,
    assert_kind,
    assert_mentions,
    assert_raises,
)

NOISE = 0.1


def random_images(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=rng)


def step_image(rows: int, columns: int, *, dark_rows: int = 0, dark_columns: int = 0) -> Tensor:
    """White, with some black rows at the top or black columns at the left: (1, 3, rows, columns)."""
    image = torch.ones(1, 3, rows, columns)
    image[:, :, :dark_rows] = 0
    image[:, :, :, :dark_columns] = 0
    return image


def squares(side: int = 32) -> Tensor:
    """A chess board of 8 x 8 pixels a square, dark grey and light grey: (1, 3, side, side)."""
    index = torch.arange(side) // 8
    board = (index[:, None] + index[None, :]) % 2
    return (0.2 + 0.6 * board.float()).expand(1, 3, side, side).contiguous()


def ramp(side: int = 32) -> Tensor:
    """Evenly brighter from left to right: (1, 3, side, side)."""
    return torch.linspace(0.25, 0.75, side).expand(1, 3, side, side).contiguous()


def noisy(clean: Tensor, rng: torch.Generator) -> Tensor:
    return (clean + NOISE * torch.randn(clean.shape, generator=rng)).clamp(0, 1)


# --- total_variation


@pytest.mark.points("total_variation", 1)
def test_total_variation_shape(submission, rng):
    """There is one number for each image."""
    assert_kind(submission.total_variation(random_images(rng, 4, 3, 6, 5)), (4,))


@pytest.mark.points("total_variation", 0.5)
@pytest.mark.depends_on("test_total_variation_shape")
def test_constant_image(submission):
    """A constant image has no variation."""
    assert_close(submission.total_variation(torch.full((2, 3, 5, 7), 0.4)), torch.zeros(2))


@pytest.mark.points("total_variation", 1)
@pytest.mark.depends_on("test_total_variation_shape")
def test_vertical_neighbours(submission):
    """Neighbours above one another count: an edge across 5 columns and 3 channels is worth 15."""
    assert_close(submission.total_variation(step_image(4, 5, dark_rows=2)), torch.tensor([15.0]))


@pytest.mark.points("total_variation", 1)
@pytest.mark.depends_on("test_total_variation_shape")
def test_horizontal_neighbours(submission):
    """Neighbours side by side count: an edge along 4 rows and 3 channels is worth 12."""
    assert_close(submission.total_variation(step_image(4, 5, dark_columns=2)), torch.tensor([12.0]))


@pytest.mark.points("total_variation", 1)
@pytest.mark.depends_on("test_total_variation_shape")
def test_side_of_length_one(submission):
    """A side of length 1 contributes nothing."""
    for rows, columns, expected in [(1, 4, 3.0), (4, 1, 3.0), (1, 1, 0.0)]:
        image = torch.zeros(1, 3, rows, columns)
        image[..., -1, -1] = 1
        assert_close(submission.total_variation(image), torch.tensor([expected]))


@pytest.mark.points("total_variation", 1)
@pytest.mark.depends_on("test_total_variation_shape")
def test_total_variation_gradient(submission):
    """The gradient is 4 at a lone bright pixel, and finite between equal pixels."""
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 2] = 1
    gradient = submission.total_variation.gradient(image)
    assert_kind(gradient, (1, 1, 5, 5))
    assert_holds(
        abs(gradient[0, 0, 2, 2] - 4) < 1e-4,
        f"is {gradient[0, 0, 2, 2]:g} at the bright pixel, expected 4",
        gradient,
    )


@pytest.mark.points("total_variation", 0.5)
@pytest.mark.depends_on("test_total_variation_shape")
def test_total_variation_leaves_images_alone(submission, rng):
    """The images are not changed, and float64 stays float64."""
    images = random_images(rng, 2, 3, 4, 6).double()
    assert_kind(submission.total_variation(images), (2,), torch.float64)
    assert_holds(not submission.last.changed, "changed its input in place, expected it to be left alone")


@pytest.mark.points("total_variation", 0.5)
def test_total_variation_refuses_other_dimensions(submission):
    """Anything but four dimensions is a ValueError that names `images`."""
    for shape in [(3, 8, 8), (8, 8), (1, 2, 3, 8, 8)]:
        assert_mentions(assert_raises(ValueError, submission.total_variation, torch.zeros(shape)), "images")


@pytest.mark.points("total_variation", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_total_variation_shape")
def test_total_variation_on_random_images(submission, reference, rng):
    """Random images have the right variation."""
    for shape in [(3, 3, 9, 16), (1, 1, 2, 2), (2, 4, 33, 7)]:
        images = random_images(rng, *shape)
        assert_close(submission.total_variation(images), reference.total_variation(images))


@pytest.mark.points("total_variation", 0.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_total_variation_shape")
def test_total_variation_gradient_on_random_images(submission, reference, rng):
    """The gradient is right on random images, each weighted on its own."""
    images = random_images(rng, 3, 3, 6, 9).requires_grad_()
    weights = torch.tensor([1.0, -2.0, 0.5])
    (expected,) = torch.autograd.grad(reference.total_variation(images), images, weights)
    assert_close(submission.total_variation.gradient(images.detach(), weights=weights), expected)


# --- isotropic_variation


@pytest.mark.points("isotropic_variation", 1)
def test_isotropic_variation_shape(submission, rng):
    """There is one number for each image."""
    assert_kind(submission.isotropic_variation(random_images(rng, 4, 3, 6, 5)), (4,))


@pytest.mark.points("isotropic_variation", 1.5)
@pytest.mark.depends_on("test_isotropic_variation_shape")
def test_both_differences_meet_under_one_root(submission):
    """Differences of 0.3 and 0.4 at one pixel make 0.5."""
    image = torch.tensor([[0.1, 0.4], [0.5, 0.9]]).expand(1, 1, 2, 2)
    assert_close(submission.isotropic_variation(image), torch.tensor([0.5]))


@pytest.mark.points("isotropic_variation", 1)
@pytest.mark.depends_on("test_isotropic_variation_shape")
def test_eps_is_inside_the_root(submission):
    """A constant image has sqrt(eps) at each pixel with both neighbours."""
    image = torch.full((1, 3, 5, 4), 0.6)
    assert_close(submission.isotropic_variation(image, eps=0.01), torch.tensor([3 * 4 * 3 * 0.1]))


@pytest.mark.points("isotropic_variation", 1)
@pytest.mark.depends_on("test_isotropic_variation_shape")
def test_no_pixel_with_both_neighbours(submission):
    """An image of one row or one column has no variation of this kind."""
    for rows, columns in [(1, 5), (5, 1), (1, 1)]:
        image = torch.linspace(0, 1, rows * columns).reshape(1, 1, rows, columns)
        assert_close(submission.isotropic_variation(image), torch.zeros(1))


@pytest.mark.points("isotropic_variation", 0.5)
@pytest.mark.depends_on("test_isotropic_variation_shape")
def test_isotropic_gradient_is_finite(submission):
    """The gradient is finite, and zero, on a constant image."""
    gradient = submission.isotropic_variation.gradient(torch.full((1, 3, 4, 4), 0.5))
    assert_close(gradient, torch.zeros(1, 3, 4, 4), atol=1e-5)


@pytest.mark.points("isotropic_variation", 0.5)
def test_isotropic_variation_refuses_other_dimensions(submission):
    """Anything but four dimensions is a ValueError that names `images`."""
    for shape in [(3, 8, 8), (1, 2, 3, 8, 8)]:
        assert_mentions(assert_raises(ValueError, submission.isotropic_variation, torch.zeros(shape)), "images")


@pytest.mark.points("isotropic_variation", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_isotropic_variation_shape")
def test_isotropic_variation_on_random_images(submission, reference, rng):
    """Random images have the right variation, and are left alone."""
    for shape in [(3, 3, 9, 16), (2, 1, 2, 7)]:
        images = random_images(rng, *shape)
        expected = reference.isotropic_variation(images, eps=1e-4)
        assert_close(submission.isotropic_variation(images, eps=1e-4), expected)
        assert_holds(not submission.last.changed, "changed its input in place, expected it to be left alone")


@pytest.mark.points("isotropic_variation", 0.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_isotropic_variation_shape")
def test_isotropic_gradient_on_random_images(submission, reference, rng):
    """The gradient is right on random images."""
    images = random_images(rng, 2, 3, 6, 9).requires_grad_()
    (expected,) = torch.autograd.grad(reference.isotropic_variation(images).sum(), images)
    assert_close(submission.isotropic_variation.gradient(images.detach()), expected, rtol=1e-3, atol=1e-4)


# --- variation_loss


@pytest.mark.points("variation_loss", 1)
def test_variation_loss_is_a_scalar(submission, rng):
    """There is a single number for the whole batch."""
    assert_kind(submission.variation_loss(random_images(rng, 4, 3, 6, 5)), ())


@pytest.mark.points("variation_loss", 1)
@pytest.mark.depends_on("test_variation_loss_is_a_scalar")
def test_loss_per_entry(submission):
    """Stripes one pixel wide have (W - 1) / W, whatever the height, the channels and the batch."""
    for width in (4, 10):
        stripes = (torch.arange(width) % 2).float().expand(2, 3, 5, width).contiguous()
        assert_close(submission.variation_loss(stripes), torch.tensor((width - 1) / width))
        assert_close(submission.variation_loss(stripes[:1, :1]), torch.tensor((width - 1) / width))


@pytest.mark.points("variation_loss", 0.5)
def test_variation_loss_refuses_other_dimensions(submission):
    """Anything but four dimensions is a ValueError that names `images`."""
    for shape in [(3, 8, 8), (1, 2, 3, 8, 8)]:
        assert_mentions(assert_raises(ValueError, submission.variation_loss, torch.zeros(shape)), "images")


@pytest.mark.points("variation_loss", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_variation_loss_is_a_scalar")
def test_variation_loss_on_random_images(submission, reference, rng):
    """A batch of random images has the right loss, and is left alone."""
    images = random_images(rng, 3, 3, 7, 12)
    assert_close(submission.variation_loss(images), reference.variation_loss(images))
    assert_holds(not submission.last.changed, "changed its input in place, expected it to be left alone")


@pytest.mark.points("variation_loss", 0.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_variation_loss_is_a_scalar")
def test_variation_loss_gradient_on_random_images(submission, reference, rng):
    """The gradient is right on random images."""
    images = random_images(rng, 2, 3, 6, 9).requires_grad_()
    (expected,) = torch.autograd.grad(reference.variation_loss(images), images)
    assert_close(submission.variation_loss.gradient(images.detach()), expected)


# --- denoise


@pytest.mark.points("denoise", 1)
def test_denoise_gives_images(submission, rng):
    """The result has the shape of the images, lies in [0, 1], and is detached."""
    result = submission.denoise(random_images(rng, 2, 3, 8, 10), steps=3)
    assert_kind(result, (2, 3, 8, 10))
    assert_between(result, 0, 1)
    assert_holds(not result.requires_grad, "returned a tensor that requires gradients, expected a detached one", result)


@pytest.mark.points("denoise", 0.5)
@pytest.mark.depends_on("test_denoise_gives_images")
def test_denoise_leaves_images_alone(submission, rng):
    """The noisy images are not changed."""
    submission.denoise(random_images(rng, 1, 3, 8, 8), steps=3)
    assert_holds(not submission.last.changed, "changed its input in place, expected it to be left alone")


@pytest.mark.points("denoise", 0.5)
@pytest.mark.depends_on("test_denoise_gives_images")
def test_no_weight_on_smoothness(submission, rng):
    """With weight 0 nothing pulls the pictures away from the images."""
    images = 0.1 + 0.8 * random_images(rng, 2, 3, 8, 8)
    assert_close(submission.denoise(images, weight=0.0, steps=10), images, atol=0.01)


@pytest.mark.points("denoise", 0.5)
def test_denoise_refuses_other_dimensions(submission):
    """Anything but four dimensions is a ValueError that names `images`."""
    assert_mentions(assert_raises(ValueError, submission.denoise, torch.zeros(3, 8, 8)), "images")


@pytest.mark.points("denoise", 2)
@pytest.mark.depends_on("test_denoise_gives_images")
def test_denoise_halves_the_error(submission, rng):
    """On a flat and on a smooth picture the squared error to the clean one is at least halved."""
    clean = torch.cat([torch.full((1, 3, 32, 32), 0.5), ramp()])
    images = noisy(clean, rng)
    result = submission.denoise(images)
    assert_kind(result, clean.shape)
    for share in ((result - clean) ** 2).sum((1, 2, 3)) / ((images - clean) ** 2).sum((1, 2, 3)):
        assert_between(float(share), 0, 0.5, what="the squared error that is left, as a share of the noise,")


@pytest.mark.points("denoise", 1.5)
@pytest.mark.depends_on("test_denoise_gives_images")
def test_denoise_lowers_the_variation(submission, reference, rng):
    """At most 0.6 of the variation is left on a smooth picture."""
    images = noisy(ramp(), rng)
    result = submission.denoise(images, steps=25)
    assert_kind(result, images.shape)
    share = float(reference.total_variation(result) / reference.total_variation(images))
    assert_between(share, 0, 0.6, what="the share of the variation that is left")


@pytest.mark.points("denoise", 1)
@pytest.mark.depends_on("test_denoise_gives_images")
def test_denoise_keeps_a_real_pattern(submission, rng):
    """Squares of 8 x 8 pixels keep at least two thirds of their contrast."""
    clean = squares()
    result = submission.denoise(noisy(clean, rng), weight=0.2, steps=50)
    assert_kind(result, clean.shape)
    contrast = float(result[clean > 0.5].mean() - result[clean < 0.5].mean())
    assert_between(contrast, 0.4, what="the contrast between light and dark squares, 0.6 in the clean picture,")
