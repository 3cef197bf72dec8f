"""Known mistakes in variation_loss, as students make them, each with the sentence that they should read."""

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.diagnose import mistake


def _require_batch(images: Tensor) -> None:
    if images.dim() != 4:
        raise ValueError(f"images must have 4 dimensions, not shape {tuple(images.shape)}")


def _vertical(images: Tensor) -> Tensor:
    return images[:, :, 1:, :] - images[:, :, :-1, :]


def _horizontal(images: Tensor) -> Tensor:
    return images[:, :, :, 1:] - images[:, :, :, :-1]


def _total_variation(images: Tensor) -> Tensor:
    return _vertical(images).abs().sum(dim=(1, 2, 3)) + _horizontal(images).abs().sum(dim=(1, 2, 3))


@mistake(
    "total_variation",
    "Only neighbours side by side are counted; pixels above one another are neighbours too.",
)
def only_horizontal(images):
    _require_batch(images)
    return _horizontal(images).abs().sum(dim=(1, 2, 3))


@mistake(
    "total_variation",
    "Only neighbours above one another are counted; pixels side by side are neighbours too.",
)
def only_vertical(images):
    _require_batch(images)
    return _vertical(images).abs().sum(dim=(1, 2, 3))


@mistake("total_variation", "The differences are squared; total variation takes their absolute values.")
def squares_differences(images):
    _require_batch(images)
    return (_vertical(images) ** 2).sum(dim=(1, 2, 3)) + (_horizontal(images) ** 2).sum(dim=(1, 2, 3))


@mistake("total_variation", "The smooth L1 loss takes half the squares of differences below 1; take absolute values.")
def smooths_small_differences(images):
    _require_batch(images)
    steps = _vertical(images), _horizontal(images)
    return sum(torch.where(each.abs() < 1, each**2 / 2, each.abs() - 0.5).sum(dim=(1, 2, 3)) for each in steps)


@mistake("total_variation", "The differences keep their signs, so that up and down cancel; take absolute values.")
def forgets_absolute_values(images):
    _require_batch(images)
    return _vertical(images).sum(dim=(1, 2, 3)) + _horizontal(images).sum(dim=(1, 2, 3))


@mistake(
    "total_variation",
    "The last row is compared with the first one: torch.roll wraps around, an image does not.",
)
def wraps_around(images):
    _require_batch(images)
    vertical = (images - images.roll(1, dims=2)).abs()
    horizontal = (images - images.roll(1, dims=3)).abs()
    return (vertical + horizontal).sum(dim=(1, 2, 3))


@mistake("total_variation", "The channels are added before the differences; take those of each channel by itself.")
def adds_the_channels_first(images):
    _require_batch(images)
    return _total_variation(images.sum(dim=1, keepdim=True))


@mistake("total_variation", "The differences are averaged; total variation is their sum.")
def averages(images):
    _require_batch(images)
    return (_vertical(images).abs().sum(dim=(1, 2, 3)) + _horizontal(images).abs().sum(dim=(1, 2, 3))) / images[
        0
    ].numel()


@mistake("total_variation", "Each direction is averaged over its differences; total variation is their sum.")
def averages_each_direction(images):
    _require_batch(images)
    return _vertical(images).abs().mean(dim=(1, 2, 3)) + _horizontal(images).abs().mean(dim=(1, 2, 3))


@mistake("total_variation", "Each direction is the root of a sum of squares; total variation sums absolute values.")
def takes_euclidean_norms(images):
    _require_batch(images)
    return _vertical(images).square().sum(dim=(1, 2, 3)).sqrt() + _horizontal(images).square().sum(dim=(1, 2, 3)).sqrt()


@mistake("total_variation", "The whole batch is summed into one number; each image needs its own.")
def sums_the_batch(images):
    _require_batch(images)
    return (_vertical(images).abs().sum(dim=(1, 2, 3)) + _horizontal(images).abs().sum(dim=(1, 2, 3))).sum()


@mistake("total_variation", "Pixels in the last row and column lose neighbours: crop each direction on its own.")
def crops_both(images):
    _require_batch(images)
    vertical = _vertical(images)[:, :, :, :-1].abs()
    horizontal = _horizontal(images)[:, :, :-1, :].abs()
    return (vertical + horizontal).sum(dim=(1, 2, 3))


@mistake(
    "total_variation", "Black is put round the picture and compared with its border; a pixel there has no neighbour."
)
def compares_with_black(images):
    _require_batch(images)
    last = images[:, :, -1].abs().sum(dim=(1, 2)) + images[:, :, :, -1].abs().sum(dim=(1, 2))
    return _total_variation(images) + last


@mistake("total_variation", "The last two columns are never compared: range(W - 1) leaves out its end already.")
def stops_before_the_last_columns(images):
    _require_batch(images)
    return _vertical(images).abs().sum(dim=(1, 2, 3)) + _horizontal(images)[..., :-1].abs().sum(dim=(1, 2, 3))


@mistake("total_variation", "The images are turned into float32; keep the dtype that comes in.")
def forgets_the_dtype(images):
    _require_batch(images)
    return _vertical(images.float()).abs().sum(dim=(1, 2, 3)) + _horizontal(images.float()).abs().sum(dim=(1, 2, 3))


@mistake("total_variation", "An image without a batch is taken; anything but four dimensions should be a ValueError.")
def takes_any_dimensions(images):
    vertical, horizontal = images.diff(dim=-2).abs(), images.diff(dim=-1).abs()
    return vertical.sum(dim=(-3, -2, -1)) + horizontal.sum(dim=(-3, -2, -1))


@mistake(
    "total_variation", "A root with an eps stands for the absolute value, so that equal pixels count a little too."
)
def rounds_off_the_absolute_value(images):
    _require_batch(images)
    vertical, horizontal = ((d**2 + 1e-8).sqrt() for d in (_vertical(images), _horizontal(images)))
    return vertical.sum(dim=(1, 2, 3)) + horizontal.sum(dim=(1, 2, 3))


@mistake(
    "total_variation", "The channels of a pixel are compared too; neighbours lie side by side or above one another."
)
def compares_the_channels(images):
    _require_batch(images)
    return _total_variation(images) + images.diff(dim=1).abs().sum(dim=(1, 2, 3))


@mistake(
    "total_variation", "An image of one row or column gives 0; along the other side it has neighbours all the same."
)
def gives_up_on_lines(images):
    _require_batch(images)
    return _total_variation(images) if min(images.shape[2:]) > 1 else images.new_zeros(len(images))


@mistake("total_variation", "The differences side by side are detached: no gradient comes through them.")
def cuts_the_gradient_of_one_side(images):
    _require_batch(images)
    return _vertical(images).abs().sum(dim=(1, 2, 3)) + _horizontal(images.detach()).abs().sum(dim=(1, 2, 3))


@mistake(
    "total_variation",
    "Only steps to a brighter pixel count, as by a ReLU; take the absolute value of every difference.",
)
def counts_rises_alone(images):
    _require_batch(images)
    return _vertical(images).relu().sum(dim=(1, 2, 3)) + _horizontal(images).relu().sum(dim=(1, 2, 3))


_variations = {}


@mistake(
    "total_variation",
    "An answer from an earlier call comes back for other numbers of the same shape; compute each one anew.",
)
def gives_earlier_variations(images):
    if images.dim() != 4:
        raise ValueError(f"images must have 4 dimensions, not {images.dim()}")
    if images.shape not in _variations:
        _variations[images.shape] = images.diff(dim=2).abs().sum((1, 2, 3)) + images.diff(dim=3).abs().sum((1, 2, 3))
    return _variations[images.shape]


@mistake(
    "total_variation",
    "Pixels that touch at a corner are counted as neighbours; only those above one another and side by side are.",
)
def counts_diagonals(images):
    _require_batch(images)
    falling = images[:, :, 1:, 1:] - images[:, :, :-1, :-1]
    rising = images[:, :, 1:, :-1] - images[:, :, :-1, 1:]
    return _total_variation(images) + (falling.abs() + rising.abs()).sum(dim=(1, 2, 3))


@mistake("total_variation", "The larger of the two directions comes back; add the sums of both.")
def takes_the_larger_direction(images):
    _require_batch(images)
    return torch.maximum(_vertical(images).abs().sum(dim=(1, 2, 3)), _horizontal(images).abs().sum(dim=(1, 2, 3)))


@mistake(
    "isotropic_variation", "Pixels at the border count with one difference; only those with both neighbours count."
)
def counts_the_border(images, eps=1e-8):
    _require_batch(images)
    dx = F.pad(_horizontal(images), (0, 1))
    dy = F.pad(_vertical(images), (0, 0, 0, 1))
    return (dx**2 + dy**2 + eps).sqrt().sum(dim=(1, 2, 3))


@mistake(
    "isotropic_variation",
    "eps is added after the root; it belongs under it, where it keeps the gradient finite.",
)
def adds_eps_outside(images, eps=1e-8):
    _require_batch(images)
    dx = images[:, :, :-1, 1:] - images[:, :, :-1, :-1]
    dy = images[:, :, 1:, :-1] - images[:, :, :-1, :-1]
    return ((dx**2 + dy**2).sqrt() + eps).sum(dim=(1, 2, 3))


@mistake(
    "isotropic_variation",
    "eps is not used; under the root it keeps the gradient finite where neighbours are equal.",
)
def forgets_eps(images, eps=1e-8):
    _require_batch(images)
    return _roots(images, 0).sum(dim=(1, 2, 3))


@mistake(
    "isotropic_variation",
    "Each difference has its own root here, which is total_variation again; they share one.",
)
def two_roots(images, eps=1e-8):
    _require_batch(images)
    dx = images[:, :, :-1, 1:] - images[:, :, :-1, :-1]
    dy = images[:, :, 1:, :-1] - images[:, :, :-1, :-1]
    return ((dx**2 + eps).sqrt() + (dy**2 + eps).sqrt()).sum(dim=(1, 2, 3))


@mistake("isotropic_variation", "Under a root stand differences of two pixels: dx is that of the row below dy's pixel.")
def joins_two_pixels(images, eps=1e-8):
    _require_batch(images)
    dx = images[:, :, 1:, 1:] - images[:, :, 1:, :-1]
    dy = images[:, :, 1:, :-1] - images[:, :, :-1, :-1]
    return (dx**2 + dy**2 + eps).sqrt().sum(dim=(1, 2, 3))


@mistake("isotropic_variation", "The channels are joined under one root; each channel has a root of its own.")
def joins_channels(images, eps=1e-8):
    _require_batch(images)
    dx = images[:, :, :-1, 1:] - images[:, :, :-1, :-1]
    dy = images[:, :, 1:, :-1] - images[:, :, :-1, :-1]
    return ((dx**2 + dy**2).sum(dim=1) + eps).sqrt().sum(dim=(1, 2))


@mistake("isotropic_variation", "The whole batch is summed into one number; each image needs its own.")
def sums_all_roots(images, eps=1e-8):
    _require_batch(images)
    return _roots(images, eps).sum()


@mistake("isotropic_variation", "An image without a batch is taken; anything but four dimensions is a ValueError.")
def takes_an_image_alone(images, eps=1e-8):
    return _roots(images, eps).sum(dim=(-3, -2, -1))


@mistake(
    "isotropic_variation", "A mean is multiplied by the number of pixels; of no pixels it is NaN, where the sum is 0."
)
def multiplies_the_mean(images, eps=1e-8):
    _require_batch(images)
    roots = _roots(images, eps)
    return roots.mean(dim=(1, 2, 3)) * roots[0].numel()


@mistake(
    "isotropic_variation", "An image of one row or column gives its differences; no pixel there has both neighbours."
)
def measures_lines(images, eps=1e-8):
    _require_batch(images)
    roots = (
        _roots(images, eps) if min(images.shape[2:]) > 1 else images.diff(dim=3 if images.shape[2] == 1 else 2).abs()
    )
    return roots.sum(dim=(1, 2, 3))


@mistake("isotropic_variation", "Images of one row or column give a single 0 for the batch; each image has its own.")
def gives_one_zero_for_lines(images, eps=1e-8):
    _require_batch(images)
    return torch.zeros(1) if min(images.shape[2:]) == 1 else _roots(images, eps).sum(dim=(1, 2, 3))


@mistake(
    "isotropic_variation", "The 0 of an image of one row or column is always float32; keep the dtype that comes in."
)
def makes_zeros_in_float32(images, eps=1e-8):
    _require_batch(images)
    return torch.zeros(len(images)) if min(images.shape[2:]) == 1 else _roots(images, eps).sum(dim=(1, 2, 3))


@mistake("isotropic_variation", "eps is squared under the root; it stands there as it is.")
def squares_eps(images, eps=1e-8):
    _require_batch(images)
    return _roots(images, eps**2).sum(dim=(1, 2, 3))


@mistake(
    "isotropic_variation",
    "The first row and column are cut off; dx loses the last row and dy the last column, so that both begin at one pixel.",
)
def pairs_other_pixels(images, eps=1e-8):
    _require_batch(images)
    dx = _horizontal(images)[:, :, 1:, :]
    dy = _vertical(images)[:, :, :, 1:]
    return (dx**2 + dy**2 + eps).sqrt().sum(dim=(1, 2, 3))


@mistake("isotropic_variation", "The roots are averaged; isotropic variation is their sum.")
def averages_the_roots(images, eps=1e-8):
    _require_batch(images)
    return _roots(images, eps).mean(dim=(1, 2, 3))


@mistake("isotropic_variation", "There is one root for the whole image; each pixel of each channel has its own.")
def takes_one_root(images, eps=1e-8):
    _require_batch(images)
    dx = images[:, :, :-1, 1:] - images[:, :, :-1, :-1]
    dy = images[:, :, 1:, :-1] - images[:, :, :-1, :-1]
    return ((dx**2 + dy**2).sum(dim=(1, 2, 3)) + eps).sqrt()


def _roots(images, eps):
    dx = images[..., :-1, 1:] - images[..., :-1, :-1]
    dy = images[..., 1:, :-1] - images[..., :-1, :-1]
    return (dx**2 + dy**2 + eps).sqrt()


@mistake("variation_loss", "The images are averaged before the differences; average their losses.")
def takes_the_mean_image(images):
    _require_batch(images)
    return _total_variation(images.mean(dim=0, keepdim=True)).mean() / images[0].numel()


@mistake("variation_loss", "The loss is not divided by the number of entries, so that large images count more.")
def forgets_the_size(images):
    _require_batch(images)
    return _total_variation(images).mean()


@mistake("variation_loss", "The differences are squared; total variation adds up their absolute values.")
def squares_the_differences(images):
    _require_batch(images)
    squares = _vertical(images).square().sum(dim=(1, 2, 3)) + _horizontal(images).square().sum(dim=(1, 2, 3))
    return (squares / images[0].numel()).mean()


@mistake("variation_loss", "The loss is divided by H * W alone; the channels are entries too.")
def forgets_the_channels(images):
    _require_batch(images)
    return (_total_variation(images) / (images.shape[2] * images.shape[3])).mean()


@mistake(
    "variation_loss",
    "Each direction is divided by the number of its own differences; divide the sum of both by C * H * W.",
)
def averages_both_directions(images):
    _require_batch(images)
    return _vertical(images).abs().mean() + _horizontal(images).abs().mean()


@mistake("variation_loss", "The batch is summed; the loss is its average.")
def sums_over_the_batch(images):
    _require_batch(images)
    return (_total_variation(images) / images[0].numel()).sum()


@mistake("variation_loss", "The loss is divided by the number of images twice: a mean has divided by it already.")
def divides_by_the_batch_twice(images):
    _require_batch(images)
    return (_total_variation(images) / images.numel()).mean()


@mistake("variation_loss", "There is a loss for each image; average them into one.")
def keeps_a_loss_for_each(images):
    _require_batch(images)
    return _total_variation(images) / images[0].numel()


@mistake("isotropic_variation", "The images are turned into float32; keep the dtype that comes in.")
def roots_in_float32(images, eps=1e-8):
    _require_batch(images)
    return _roots(images.float(), eps).sum(dim=(1, 2, 3))


@mistake(
    "isotropic_variation",
    "torch.gradient takes half of the right neighbour less the left one; take the difference to the next pixel.",
)
def takes_central_differences(images, eps=1e-8):
    _require_batch(images)
    dy, dx = torch.gradient(images, dim=(2, 3))
    return (dx**2 + dy**2 + eps).sqrt()[:, :, :-1, :-1].sum(dim=(1, 2, 3))


@mistake("isotropic_variation", "eps is a floor under the sum of the squares, as by a clamp; add it.")
def takes_eps_for_a_floor(images, eps=1e-8):
    _require_batch(images)
    corner = images[:, :, :-1, :-1]
    dx, dy = images[:, :, :-1, 1:] - corner, images[:, :, 1:, :-1] - corner
    return (dx**2 + dy**2).clamp(min=eps).sqrt().sum(dim=(1, 2, 3))


@mistake("variation_loss", "The loss is turned into float32; keep the dtype that comes in.")
def loses_in_float32(images):
    _require_batch(images)
    return (_total_variation(images.float()) / images[0].numel()).mean()


@mistake(
    "variation_loss", "A root of squares is an absolute value, but its gradient is NaN between equal pixels; use abs()."
)
def takes_the_root_of_squares(images):
    _require_batch(images)
    roots = sum((difference**2).sqrt().sum() for difference in (_vertical(images), _horizontal(images)))
    return roots / images.numel()


@mistake("variation_loss", "Images that are not 4-D are not refused.")
def takes_anything(images):
    vertical, horizontal = (images.diff(dim=dim).abs().flatten(1).sum(dim=1) for dim in (-2, -1))
    return ((vertical + horizontal) / images[0].numel()).mean()


@mistake(
    "variation_loss", "Each direction is averaged over its own pairs: a side of length 1 has none, which gives NaN."
)
def averages_over_pairs(images):
    _require_batch(images)
    height, width = images.shape[2:]
    down, across = _vertical(images).abs().mean(), _horizontal(images).abs().mean()
    return down * (height - 1) / height + across * (width - 1) / width


@mistake("variation_loss", "The loss is that of the image with the most variation; take the mean over the images.")
def takes_the_worst_image(images):
    _require_batch(images)
    return (_total_variation(images) / images[0].numel()).max()


@mistake("isotropic_variation", "eps is another one by default; it is 1e-8, as in the skeleton.")
def takes_another_eps(images, eps=1e-6):
    _require_batch(images)
    return _roots(images, eps).sum(dim=(1, 2, 3))


@mistake("isotropic_variation", "Absolute differences stand under the root; square them first.")
def takes_the_root_of_absolute_values(images, eps=1e-8):
    _require_batch(images)
    down, across = _vertical(images)[:, :, :, :-1], _horizontal(images)[:, :, :-1]
    return (down.abs() + across.abs() + eps).sqrt().sum(dim=(1, 2, 3))


@mistake("isotropic_variation", "The differences are added before they are squared; square each of them.")
def squares_the_sum(images, eps=1e-8):
    _require_batch(images)
    down, across = _vertical(images)[:, :, :, :-1], _horizontal(images)[:, :, :-1]
    return ((down + across) ** 2 + eps).sqrt().sum(dim=(1, 2, 3))


@mistake("denoise", "The global random state is seeded, and nothing here is random; leave it alone.")
def seeds_everything(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    torch.manual_seed(0)
    return _descend(images, weight, steps, learning_rate)


@mistake("denoise", "The result is float32 whatever came in; keep the dtype of the images.")
def denoises_in_float32(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images.float(), weight, steps, learning_rate)


@mistake("denoise", "No more than 100 steps are made; make as many as are asked for.")
def stops_after_100_steps(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, weight, min(steps, 100), learning_rate)


@mistake("denoise", "The weight is cut off at 0.2; a heavier one smooths more.")
def cuts_the_weight_off(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, min(weight, 0.2), steps, learning_rate)


@mistake("denoise", "The learning rate has no effect: each step is as long whatever is asked for.")
def ignores_the_learning_rate(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, weight, steps, 0.05)


@mistake("denoise", "The steps change the images that were passed in; work on a copy.")
def changes_the_images(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    images.copy_(_descend(images, weight, steps, learning_rate))
    return images


@mistake("denoise", "The step goes up the gradient: it adds noise. Subtract the gradient.")
def climbs(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, weight, steps, -learning_rate)


@mistake("denoise", "The term that keeps the picture near the images is missing, so that real patterns fade.")
def forgets_nearness(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, weight, steps, learning_rate, nearness=0.0)


@mistake("denoise", "The result hangs on the images: where they require gradients it does too; detach it.")
def stays_attached(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return images + (_descend(images.detach(), weight, steps, learning_rate) - images.detach())


@mistake(
    "denoise", "The squared distance is halved, so that the variation counts twice as much; take the sum as it stands."
)
def halves_the_distance(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, weight, steps, learning_rate, nearness=0.5)


@mistake("denoise", "The weight multiplies the distance to the images; it belongs to the variation.")
def weighs_the_distance(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, 1.0, steps, learning_rate, nearness=weight)


@mistake("denoise", "Pictures of five dimensions are taken; anything but four dimensions should be a ValueError.")
def takes_five_dimensions(images, *, weight=0.1, steps=100, learning_rate=0.05):
    if images.dim() < 4:
        raise ValueError("images must have 4 dimensions")
    pictures = _descend(images.reshape(-1, *images.shape[-3:]), weight, steps, learning_rate)
    return pictures.reshape(images.shape)


@mistake(
    "denoise",
    "The variation is averaged over the batch; sum it, as the differences are, so that a picture comes out as it does alone.",
)
def averages_the_variation(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, weight / len(images), steps, learning_rate)


@mistake("denoise", "The pictures are kept near those of the step before, and drift away; keep them near the images.")
def stays_near_the_step_before(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    before, result = images.detach(), images.detach()
    for _ in range(steps):
        here = result.clone().requires_grad_()
        objective = ((here - before) ** 2).sum() + weight * _total_variation(here).sum()
        (gradient,) = torch.autograd.grad(objective, here)
        before, result = result, (result - learning_rate * gradient).clamp(0, 1)
    return result


@mistake("denoise", "The differences of neighbours are squared; the variation adds up their absolute values.")
def squares_the_variation(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    result = images.clone()
    for _ in range(steps):
        result.requires_grad_()
        variation = _vertical(result).square().sum() + _horizontal(result).square().sum()
        (gradient,) = torch.autograd.grad(((result - images) ** 2).sum() + weight * variation, result)
        result = (result - learning_rate * gradient).detach().clamp(0, 1)
    return result


@mistake("denoise", "The pictures come back just as they were: no gradient of their variation moves them.")
def does_nothing(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return images.clone()


@mistake("denoise", "The pictures leave the range of pixels where the steps are long; clamp them to [0, 1].")
def forgets_to_clamp(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, weight, steps, learning_rate, range_of_pixels=(-torch.inf, torch.inf))


@mistake("denoise", "The losses come back too; only the pictures are asked for.")
def returns_losses_too(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    result = _descend(images, weight, steps, learning_rate)
    return result, [((result - images) ** 2).sum().item()]


@mistake("denoise", "The weight has no effect: smoothness counts 0.1 whatever is asked for.")
def ignores_the_weight(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, 0.1, steps, learning_rate)


@mistake("denoise", "It always makes the same number of steps; make as many as `steps` says.")
def ignores_the_steps(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, weight, 100, learning_rate)


@mistake("denoise", "An image without a batch is taken; anything but four dimensions should be a ValueError.")
def adds_a_batch(images, *, weight=0.1, steps=100, learning_rate=0.05):
    if images.dim() == 3:
        return _descend(images[None], weight, steps, learning_rate)[0]
    return _descend(images, weight, steps, learning_rate)


@mistake(
    "denoise",
    "The distance to the images is a mean and the variation a sum, so that hardly anything holds the pictures; sum both.",
)
def averages_the_distance(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, weight, steps, learning_rate, nearness=1 / images.numel())


@mistake(
    "denoise", "The objective is an average over the pixels, whose gradient hardly moves any of them; it is a sum."
)
def averages_the_objective(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return _descend(images, weight, steps, learning_rate / images.numel())


@mistake("denoise", "The gradients of earlier steps are never cleared, so that they add up; each step has its own.")
def adds_up_the_gradients(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    result, sum_of_gradients = images.detach(), torch.zeros_like(images)
    for _ in range(steps):
        here = result.clone().requires_grad_()
        objective = ((here - images) ** 2).sum() + weight * _total_variation(here).sum()
        (gradient,) = torch.autograd.grad(objective, here)
        sum_of_gradients = sum_of_gradients + gradient
        result = (result - learning_rate * sum_of_gradients).clamp(0, 1)
    return result


@mistake(
    "denoise",
    "The images themselves take the steps, so that the distance to them is always 0: detach() does not copy, clone() does.",
)
def stays_near_what_it_changes(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    images.copy_(_descend(images, weight, steps, learning_rate, nearness=0.0))
    return images


@mistake(
    "denoise",
    "The pictures are clamped inside the objective alone, and come back as they were before; clamp what comes back.",
)
def clamps_in_the_objective_alone(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    result = images.detach()
    for _ in range(steps):
        here = result.clone().requires_grad_()
        shown = here.clamp(0, 1)
        objective = ((shown - images) ** 2).sum() + weight * _total_variation(shown).sum()
        (gradient,) = torch.autograd.grad(objective, here)
        result = result - learning_rate * gradient
    return result


@mistake(
    "denoise", "The picture is blurred after the descent, also with a weight of 0; the descent alone is asked for."
)
def blurs_the_result(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    result = _descend(images, weight, steps, learning_rate)
    return torch.nn.functional.avg_pool2d(result, 3, stride=1, padding=1, count_include_pad=False)


@mistake("denoise", "Only a square of the picture is smoothed; the variation is that of all its rows and columns.")
def smooths_a_square_only(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    side = min(images.shape[2:])
    result = images.detach().clone()
    result[:, :, :side, :side] = _descend(result[:, :, :side, :side], weight, steps, learning_rate)
    return result


@mistake("denoise", "Only the first three channels are denoised; there may be more.")
def denoises_three_channels(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    result = images.detach().clone()
    result[:, :3] = _descend(result[:, :3], weight, steps, learning_rate)
    return result.clamp(0, 1)


@mistake("denoise", "The picture is stretched between its darkest and its brightest pixel; clamp it to [0, 1].")
def stretches_the_picture(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    result = _descend(images, weight, steps, learning_rate)
    low, high = (extreme(dim=(1, 2, 3), keepdim=True) for extreme in (result.amin, result.amax))
    return (result - low) / (high - low).clamp(min=1e-12)


def _descend(images, weight, steps, learning_rate, nearness=1.0, range_of_pixels=(0, 1)):
    result = images.clone()
    for _ in range(steps):
        result.requires_grad_()
        objective = nearness * ((result - images) ** 2).sum() + weight * _total_variation(result).sum()
        (gradient,) = torch.autograd.grad(objective, result)
        result = (result - learning_rate * gradient).detach().clamp(*range_of_pixels)
    return result
