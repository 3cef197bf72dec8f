"""Feature extraction: a pretrained network as a feature extractor.

A network that was trained on many pictures has learnt to describe pictures. Taken as it is, without training any further,
it turns each new picture into a short row of numbers, its *features*, from which even a very simple classifier can learn.

Images are float32 batches of shape (N, 3, H, W) with pixels in [0, 1]. A backbone maps them to features (N, D).

Each function leaves PyTorch as it found it: gradients are switched on, and the global random state has not been seeded.
"""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import functional as TF


def preprocess(image: Image.Image, size: int = 64) -> Tensor:
    """Turn a picture from a file into the square tensor that a network takes.

    The shorter side is resized to `size` (bilinear, antialiased), then the centre square is cut out, as torchvision's
    `Resize` and `CenterCrop` do: proportions stay as they are, and what is cut off lies at two opposite sides.

    Args:
        image: a Pillow image of any mode: grey, palette, with alpha, CMYK. Alpha is dropped, as `convert("RGB")` does.
        size: height and width of the result, at least 1.

    Returns:
        Shape (3, size, size), float32, in [0, 1].

    Raises:
        ValueError: `size` is below 1; the message names `size`.
    """
    # TODO: Make the image RGB, resize and crop it, and turn its pixels into floats.
    ### BEGIN SOLUTION
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size}")
    # RGB comes first: the indices of a palette cannot be averaged, and resizing with alpha weights colours by it.
    image = TF.center_crop(TF.resize(image.convert("RGB"), size), size)
    return TF.pil_to_tensor(image) / 255
    ### END SOLUTION


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Normalise each channel by the mean and the standard deviation of the images that a network was trained with.

        (x - mean[c]) / std[c]

    for every pixel x of channel c. Images that have this mean and this deviation come out with mean 0 and deviation 1.

    Args:
        images: shape (N, C, H, W).
        mean: the mean of each channel, one number for each.
        std: the standard deviation of each channel, likewise; all positive.

    Returns:
        The normalised images: the shape and dtype of `images`, differentiable.

    Raises:
        ValueError: a number in `std` is not positive, or `mean` or `std` has not one number for each channel; the
            message names the argument, `mean` or `std`.
    """
    # TODO: Check mean and std, then subtract and divide channel by channel.
    ### BEGIN SOLUTION
    channels = images.shape[-3]
    for name, values in (("mean", mean), ("std", std)):
        if len(values) != channels:
            raise ValueError(f"{name} has {len(values)} numbers, but images have {channels} channels")
    if not all(value > 0 for value in std):
        raise ValueError(f"std must be positive, not {list(std)}")
    # A shape of (C, 1, 1) lines up with the channels; (C,) would line up with the columns.
    centre = torch.as_tensor(mean, dtype=images.dtype, device=images.device).view(-1, 1, 1)
    spread = torch.as_tensor(std, dtype=images.dtype, device=images.device).view(-1, 1, 1)
    return (images - centre) / spread
    ### END SOLUTION


def freeze(model: nn.Module) -> nn.Module:
    """Make a model a fixed tool: nothing in it learns any more.

    Freezing takes two things. Parameters that require no gradient are not trained; and eval mode keeps dropout from
    dropping and batch norm from adjusting its running statistics, which are no parameters. Gradients with respect
    to the images still flow through it.

    Args:
        model: is changed.

    Returns:
        The same object, its parameters not requiring gradients, in eval mode. Weights keep their values and shapes.
    """
    # TODO: Stop every parameter from requiring gradients, and put the model in eval mode.
    ### BEGIN SOLUTION
    return model.requires_grad_(False).eval()
    ### END SOLUTION


def feature_maps(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    """Look inside a network: take what one of its layers gives out.

    A *forward hook* is a function that PyTorch calls with a layer's output each time the layer has run.

    Args:
        model: any network; afterwards it is as it was: your hook is gone, whatever happens, and each submodule is in
            its own mode.
        layer: a name as `model.named_modules()` has it, such as `"block2.first"`, of a layer that runs once in a
            forward pass.
        images: shape (N, 3, H, W).

    Returns:
        The layer's output in eval mode: shape (N, C, h, w), detached, and a copy, as a later layer may work in place.

    Raises:
        ValueError: the model has no such `layer`; the message names those that it has.
    """
    # TODO: Hang a forward hook on the layer, run the model once in eval mode, and take the hook off whatever happens.
    ### BEGIN SOLUTION
    layers = dict(model.named_modules())
    if layer not in layers:
        raise ValueError(f"layer {layer!r} is not in this model; it has {', '.join(filter(None, layers))}")
    outputs: list[Tensor] = []
    hook = layers[layer].register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        with _eval_mode(model), torch.no_grad():
            model(images)
    finally:
        hook.remove()
    return outputs[0]
    ### END SOLUTION


def extract_features(backbone: nn.Module, images: Tensor, batch_size: int = 32) -> Tensor:
    """Describe each image by the features of a backbone, a few images at a time.

    Args:
        backbone: images (N, 3, H, W) to features (N, D); afterwards each submodule is in its own mode again.
        images: shape (N, 3, H, W).
        batch_size: how many go through at once. Memory depends on it, the result does not.

    Returns:
        Shape (N, D), of the dtype of `images`, in eval mode and without gradients.
    """
    # TODO: Run the backbone in eval mode and without gradients over batches of images, and join the results.
    ### BEGIN SOLUTION
    with _eval_mode(backbone), torch.no_grad():
        return torch.cat([backbone(batch) for batch in images.split(batch_size)])
    ### END SOLUTION


def feature_grid(maps: Tensor, columns: int = 8) -> Tensor:
    """Lay the maps of one layer out as one picture, to be looked at.

    Each channel is scaled on its own, so that its smallest value is 0 and its largest 1; a constant one is 0.

    Args:
        maps: the C channels of one image, shape (C, h, w).
        columns: how many cells stand in a row.

    Returns:
        Shape (rows * h, columns * w), in [0, 1], of the dtype of `maps`: always `columns` cells wide, also if C is
        smaller, and as many rows as the C channels need. Channels run row by row; the cells that are left over are 0.
    """
    # TODO: Scale every channel to [0, 1] and put it into its cell.
    ### BEGIN SOLUTION
    channels, height, width = maps.shape
    lowest = maps.amin(dim=(1, 2), keepdim=True)
    spread = maps.amax(dim=(1, 2), keepdim=True) - lowest
    # Where all values are equal the numerator is 0, and stays so when it is divided by infinity.
    scaled = (maps - lowest) / spread.masked_fill(spread == 0, torch.inf)
    rows = -(-channels // columns)
    cells = scaled.new_zeros(rows * columns, height, width)
    cells[:channels] = scaled
    # From (row, column, y, x) to (row, y, column, x), so that a line of the picture runs through all columns.
    return cells.view(rows, columns, height, width).transpose(1, 2).reshape(rows * height, columns * width)
    ### END SOLUTION


### BEGIN SOLUTION
@contextlib.contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    # Each submodule has a mode of its own: model.train() afterwards would also wake the parts that were frozen.
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


### END SOLUTION
