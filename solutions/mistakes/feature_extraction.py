"""Known mistakes in feature_extraction, as students make them, each with the sentence that they should read."""

import copy

import torch
from PIL import Image
from torch import nn
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as TF

from autograder.diagnose import mistake


def _pixels(image):
    return TF.pil_to_tensor(image).float() / 255


def _run(model, images):
    model.eval()
    with torch.no_grad():
        return model(images)


def _restored(model, call):
    modes = [(module, module.training) for module in model.modules()]
    try:
        return call()
    finally:
        for module, training in modes:
            module.training = training


def _layer(model, layer):
    layers = dict(model.named_modules())
    if layer not in layers:
        raise ValueError(f"layer {layer!r} is not one of {', '.join(layers)}")
    return layers[layer]


def _scaled(maps):
    lowest = maps.amin(dim=(1, 2), keepdim=True)
    spread = maps.amax(dim=(1, 2), keepdim=True) - lowest
    return torch.where(spread > 0, (maps - lowest) / spread.clamp(min=1e-12), torch.zeros_like(maps))


def _laid_out(cells, columns):
    rows = -(-len(cells) // columns)
    grid = cells.new_zeros(rows * cells.shape[1], columns * cells.shape[2])
    for i, cell in enumerate(cells):
        y, x = i // columns * cells.shape[1], i % columns * cells.shape[2]
        grid[y : y + cells.shape[1], x : x + cells.shape[2]] = cell
    return grid


@mistake("preprocess", "The picture is squeezed into a square; resize its shorter side and crop the centre.")
def squeezes(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.resize(image.convert("RGB"), [size, size]))


@mistake("preprocess", "The picture itself becomes smaller: thumbnail() works in place, resize() gives a new one.")
def makes_the_picture_smaller(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    pixels = _pixels(TF.center_crop(TF.resize(image.convert("RGB"), size), size))
    image.thumbnail((size, size))
    return pixels


@mistake(
    "preprocess",
    "A side is cut off to a whole number, and can be one less than size: 49 * (64 / 49) is less than 64; round it.",
)
def cuts_off_the_fraction_of_a_side(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    scale = size / min(image.size)
    width, height = (int(side * scale) for side in image.size)
    return _pixels(TF.center_crop(image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR), size))


_sizes = {}


@mistake("preprocess", "The size is kept from an earlier call with a picture of these sides; each call has its own.")
def keeps_the_first_size(image, size=64):
    size = _sizes.setdefault(image.size, size)
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.center_crop(TF.resize(image.convert("RGB"), size), size))


@mistake("preprocess", "The pixels still run from 0 to 255; divide by 255.")
def keeps_bytes(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.center_crop(TF.resize(image.convert("RGB"), size), size)) * 255


@mistake("preprocess", "The pixels are divided by 256, so that white is a little less than 1; divide by 255.")
def divides_by_256(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.center_crop(TF.resize(image.convert("RGB"), size), size)) * 255 / 256


@mistake("preprocess", "The pixels are normalised by a mean and a std; the result should be the pixels in [0, 1].")
def normalises_the_pixels(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    pixels = _pixels(TF.center_crop(TF.resize(image.convert("RGB"), size), size))
    return TF.normalize(pixels, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@mistake(
    "preprocess",
    "The shorter side is resized to more than size, as recipes for ImageNet do, and a rim is cut away; resize it to size.",
)
def resizes_to_more(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.center_crop(TF.resize(image.convert("RGB"), round(size * 256 / 224)), size))


@mistake(
    "preprocess", "The picture is resized to more than size, of which a rim is cut away; its shorter side becomes size."
)
def resizes_to_more_rounded_down(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.center_crop(TF.resize(image.convert("RGB"), int(size * 256 / 224)), size))


@mistake("preprocess", "The centre is cut out of the picture in its full size; resize the shorter side first.")
def forgets_to_resize(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.center_crop(image.convert("RGB"), size))


@mistake("preprocess", "The result has the shape (size, size, 3), as NumPy has it; PyTorch wants channels first.")
def puts_channels_last(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.center_crop(TF.resize(image.convert("RGB"), size), size)).permute(1, 2, 0)


@mistake(
    "preprocess",
    "The picture is resized before it becomes RGB: indices of a palette cannot be averaged; convert first.",
)
def converts_last(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.center_crop(TF.resize(image, size), size).convert("RGB"))


@mistake("preprocess", "The corner is cut out instead of the centre.")
def crops_the_corner(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.resize(image.convert("RGB"), size).crop((0, 0, size, size)))


@mistake("preprocess", "Red and blue have changed places, as OpenCV has them; the order is red, green, blue.")
def swaps_red_and_blue(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.center_crop(TF.resize(image.convert("RGB"), size), size)).flip(0)


@mistake(
    "preprocess",
    "The first bands are taken for red, green and blue: in CMYK they are inks, in a palette indices; convert to RGB.",
)
def takes_the_first_bands(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.center_crop(TF.resize(image, size), size))[:3].repeat(3, 1, 1)[:3]


@mistake("preprocess", "A size below 1 counts as 1; it should be a ValueError.")
def makes_the_size_one(image, size=64):
    size = max(size, 1)
    return _pixels(TF.center_crop(TF.resize(image.convert("RGB"), size), size))


@mistake("preprocess", "The picture itself has shrunk: thumbnail works in place, where resize gives a new picture.")
def shrinks_the_picture_itself(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    image.thumbnail([size * side // min(image.size) for side in image.size], Image.Resampling.BILINEAR)
    return _pixels(TF.center_crop(image.convert("RGB"), size))


@mistake("preprocess", "The picture is resized by bicubic interpolation, as Pillow does by default; ask for bilinear.")
def resizes_by_bicubic_interpolation(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    image = TF.resize(image.convert("RGB"), size, InterpolationMode.BICUBIC)
    return _pixels(TF.center_crop(image, size))


@mistake("preprocess", "The shorter side is always resized to 256, as recipes for ImageNet do; resize it to size.")
def resizes_to_256(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.center_crop(TF.resize(image.convert("RGB"), 256), size))


@mistake("preprocess", "Pixels are skipped where the picture shrinks; a tensor is resized with antialias=True.")
def skips_pixels(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return TF.center_crop(TF.resize(_pixels(image.convert("RGB")), size, antialias=False), size)


@mistake("preprocess", "A picture smaller than size is framed in black; resize it too.")
def never_enlarges(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    image = image.convert("RGB")
    if min(image.size) > size:
        image = TF.resize(image, size)
    return _pixels(TF.center_crop(image, size))


@mistake("preprocess", "The centre is cut out before the picture is resized, so that its edges differ; resize first.")
def crops_first(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    return _pixels(TF.resize(TF.center_crop(image.convert("RGB"), min(image.size)), [size, size]))


@mistake("preprocess", 'Transparent parts are laid on white; drop the alpha, as convert("RGB") does.')
def lays_alpha_on_white(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    if "A" in image.mode:
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image.convert("RGBA"))
        image = ground
    return _pixels(TF.center_crop(TF.resize(image.convert("RGB"), size), size))


@mistake(
    "preprocess", 'The first three channels are taken for red, green and blue; in CMYK they are not: convert("RGB").'
)
def takes_the_first_three_channels(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    if image.mode == "P" or len(image.getbands()) < 3:
        image = image.convert("RGB")
    image = Image.merge("RGB", image.split()[:3])
    return _pixels(TF.center_crop(TF.resize(image, size), size))


@mistake(
    "preprocess",
    "The longer side becomes size, with black bars beside the picture; resize the shorter side and cut off the rest.",
)
def fits_the_longer_side(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    image = image.convert("RGB")
    width, height = (max(1, round(side * size / max(image.size))) for side in image.size)
    return _pixels(TF.center_crop(TF.resize(image, [height, width]), size))


@mistake(
    "preprocess",
    "The pixels are divided by the brightest one of the picture; divide by 255, whatever the picture shows.",
)
def divides_by_the_brightest(image, size=64):
    if size < 1:
        raise ValueError("size must be at least 1")
    pixels = _pixels(TF.center_crop(TF.resize(image.convert("RGB"), size), size))
    return pixels / pixels.max().clamp(min=1 / 255)


@mistake("normalize", "Only the lengths of mean and std are compared; each must be the number of channels.")
def compares_the_lengths_with_each_other(images, mean, std):
    if len(mean) != len(std) or min(std) <= 0:
        raise ValueError("mean and std must be equally long, std positive")
    return (images - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


@mistake("normalize", "Exactly three channels are expected; there may be more or fewer.")
def expects_three_channels(images, mean, std):
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise ValueError("mean and std must have three numbers, std positive ones")
    return (images - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


@mistake("normalize", "The images are divided by std before mean is subtracted: (x - mean) / std is the order.")
def divides_first(images, mean, std):
    if len(mean) != images.shape[1] or len(std) != images.shape[1] or min(std) <= 0:
        raise ValueError("mean and std must have a number for each channel, std positive ones")
    return images / torch.tensor(std).view(-1, 1, 1) - torch.tensor(mean).view(-1, 1, 1)


@mistake("normalize", "The images are multiplied by std, which undoes a normalisation; divide by it.")
def multiplies(images, mean, std):
    if len(mean) != images.shape[1] or len(std) != images.shape[1] or min(std) <= 0:
        raise ValueError("mean and std must have a number for each channel, std positive ones")
    return (images - torch.tensor(mean).view(-1, 1, 1)) * torch.tensor(std).view(-1, 1, 1)


@mistake("normalize", "A single number is spread over all channels; one that is missing should be a ValueError.")
def broadcasts_a_single_number(images, mean, std):
    if len(mean) not in (1, images.shape[1]) or len(std) not in (1, images.shape[1]) or min(std) <= 0:
        raise ValueError("mean and std must have a number for each channel, std positive ones")
    return (images - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


@mistake("normalize", "A std that is not positive goes through and gives infinities or swaps dark and bright.")
def trusts_std(images, mean, std):
    if len(mean) != images.shape[1] or len(std) != images.shape[1]:
        raise ValueError("mean and std must have a number for each channel")
    return (images - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


@mistake("normalize", "Nothing is checked: a std that is not positive, or a wrong number of numbers, is a ValueError.")
def checks_nothing(images, mean, std):
    return (images - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


@mistake("normalize", "The images themselves are changed: sub_ and div_ work in place.")
def works_in_place(images, mean, std):
    if len(mean) != images.shape[1] or len(std) != images.shape[1] or min(std) <= 0:
        raise ValueError("mean and std must have a number for each channel, std positive ones")
    mean, std = (torch.tensor(values, dtype=images.dtype).view(-1, 1, 1) for values in (mean, std))
    with torch.no_grad():
        return images.sub_(mean).div_(std)


@mistake("normalize", "Each channel of the images themselves is changed, by -= and /=; compute new images.")
def changes_each_channel(images, mean, std):
    if len(mean) != images.shape[1] or len(std) != images.shape[1] or min(std) <= 0:
        raise ValueError("mean and std must have a number for each channel, std positive ones")
    for channel in range(images.shape[1]):
        images[:, channel] -= mean[channel]
        images[:, channel] /= std[channel]
    return images


@mistake(
    "normalize", "Where a row has as many pixels as there are channels, it is taken for them; channels come second."
)
def guesses_the_layout(images, mean, std):
    if len(mean) != images.shape[1] or len(std) != images.shape[1] or min(std) <= 0:
        raise ValueError("mean and std must have a number for each channel, std positive ones")
    shape = (-1,) if images.shape[-1] == len(mean) else (-1, 1, 1)
    return (images - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)


@mistake("normalize", "Only the first three channels are normalised; there may be more.")
def stops_after_three_channels(images, mean, std):
    if len(mean) != images.shape[1] or len(std) != images.shape[1] or min(std) <= 0:
        raise ValueError("mean and std must have a number for each channel, std positive ones")
    normalised = images.clone()
    for channel in range(min(3, images.shape[1])):
        normalised[:, channel] = (images[:, channel] - mean[channel]) / std[channel]
    return normalised


@mistake(
    "freeze",
    "The parameters still require gradients: setting model.requires_grad reaches none of them, and eval() is about modes.",
)
def only_sets_eval_mode(model):
    model.requires_grad = False
    return model.eval()


@mistake("freeze", "The model is not in eval mode: dropout and batch norm go on as in training.")
def forgets_eval_mode(model):
    for parameter in model.parameters():
        parameter.requires_grad = False
    return model


@mistake("freeze", "The layers are in eval mode, but not the model itself; model.eval() reaches both.")
def leaves_the_model_itself_in_training_mode(model):
    for child in model.children():
        child.eval()
    return model.requires_grad_(False)


@mistake(
    "freeze",
    "Only dropout, batch norm and the like are put in eval mode, and the model itself is not; model.eval() reaches all.",
)
def quiets_some_kinds_of_layers(model):
    for module in model.modules():
        if isinstance(module, nn.Dropout | nn.BatchNorm2d):
            module.eval()
    return model.requires_grad_(False)


@mistake("freeze", "Dropout still drops; model.eval() puts layers of every kind in eval mode.")
def leaves_dropout_on(model):
    for module in model.modules():
        module.training = isinstance(module, nn.Dropout)
    return model.requires_grad_(False)


@mistake(
    "freeze", "The parameters of the submodules are frozen, but not the model's own; model.parameters() has them all."
)
def freezes_the_children_only(model):
    for child in model.children():
        child.requires_grad_(False)
    return model.eval()


@mistake("freeze", "Only parameters called weight or bias are frozen; model.parameters() has those of other names too.")
def freezes_by_names(model):
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            parameter.requires_grad_(parameter.requires_grad and name not in ("weight", "bias"))
    return model.eval()


@mistake("freeze", "The last layer is left out: its parameters still require gradients.")
def leaves_the_last_layer(model):
    for parameter in list(model.parameters())[:-2]:
        parameter.requires_grad_(False)
    return model.eval()


@mistake("freeze", "A copy is frozen and returned; the model that was given goes on learning.")
def freezes_a_copy(model):
    return copy.deepcopy(model).requires_grad_(False).eval()


@mistake("freeze", "Nothing is returned; return the model.")
def returns_nothing(model):
    model.requires_grad_(False).eval()


@mistake("freeze", "The statistics of batch norm are reset; that they stay as they are, eval mode sees to alone.")
def resets_the_statistics(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
    return model.requires_grad_(False).eval()


@mistake(
    "freeze",
    "The forward pass runs without gradients, so that none reaches the images either; to freeze is about parameters alone.",
)
def cuts_the_gradient_of_the_images(model):
    model.forward = torch.no_grad()(model.forward)
    return model.requires_grad_(False).eval()


@mistake(
    "freeze", "Gradients are turned off for the whole program, and stay so; requires_grad_(False) is all it takes."
)
def turns_gradients_off_to_freeze(model):
    torch.set_grad_enabled(False)
    return model.requires_grad_(False).eval()


@mistake("feature_maps", "Gradients are turned off for the whole program, and stay so; use `with torch.no_grad():`.")
def turns_gradients_off_for_maps(model, layer, images):
    torch.set_grad_enabled(False)
    outputs = []
    hook = _layer(model, layer).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        _restored(model, lambda: _run(model, images))
    finally:
        hook.remove()
    return outputs[0]


@mistake("feature_maps", "The hook stays on the model: keep what register_forward_hook returns, and remove it.")
def leaves_the_hook(model, layer, images):
    outputs = []
    _layer(model, layer).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    _restored(model, lambda: _run(model, images))
    return outputs[0]


@mistake(
    "feature_maps",
    "Where the forward pass raises, the hook stays on the model; remove it in a finally, which runs after an error too.",
)
def leaves_the_hook_after_an_error(model, layer, images):
    outputs = []
    hook = _layer(model, layer).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    _restored(model, lambda: _run(model, images))
    hook.remove()
    return outputs[0]


@mistake("feature_maps", "A later ReLU that works in place has changed the maps; keep a clone of the output.")
def keeps_no_copy(model, layer, images):
    outputs = []
    hook = _layer(model, layer).register_forward_hook(lambda *call: outputs.append(call[-1].detach()))
    try:
        _restored(model, lambda: _run(model, images))
    finally:
        hook.remove()
    return outputs[0]


@mistake("feature_maps", "This is what goes into the layer; a hook is called with (module, inputs, output).")
def takes_the_input(model, layer, images):
    outputs = []
    hook = _layer(model, layer).register_forward_hook(lambda *call: outputs.append(call[1][0].clone()))
    try:
        _restored(model, lambda: _run(model, images))
    finally:
        hook.remove()
    return outputs[0]


@mistake("feature_maps", "The model runs in whatever mode it is in; put it in eval mode for the time.")
def runs_in_any_mode(model, layer, images):
    outputs = []
    hook = _layer(model, layer).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        with torch.no_grad():
            model(images)
    finally:
        hook.remove()
    return outputs[0]


@mistake("feature_maps", "The model stays in eval mode; give each submodule its own mode back.")
def stays_in_eval_mode(model, layer, images):
    outputs = []
    hook = _layer(model, layer).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        _run(model, images)
    finally:
        hook.remove()
    return outputs[0]


@mistake(
    "feature_maps", "The modes of the model's own parts alone are put back; parts of parts have one too: see modules()."
)
def restores_the_outer_modes(model, layer, images):
    outputs, modes = [], [(part, part.training) for part in model.children()]
    own = model.training
    hook = _layer(model, layer).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        _run(model, images)
    finally:
        hook.remove()
        model.training = own
        for part, mode in modes:
            part.train(mode)
    return outputs[0]


@mistake("feature_maps", "model.train() at the end gives every submodule the same mode; give each its own back.")
def wakes_the_model(model, layer, images):
    outputs = []
    hook = _layer(model, layer).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        _run(model, images)
    finally:
        hook.remove()
        model.train()
    return outputs[0]


@mistake(
    "feature_maps",
    "After the error for an unknown layer the model is in eval mode: look the layer up first, and switch the mode then.",
)
def switches_the_mode_before_it_looks_the_layer_up(model, layer, images):
    modes, outputs = [(module, module.training) for module in model.modules()], []
    hook = _layer(model.eval(), layer).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        with torch.no_grad():
            model(images)
    finally:
        hook.remove()
        for module, training in modes:
            module.training = training
    return outputs[0]


@mistake("feature_maps", "An unknown layer gives the output of the whole model; it should be a ValueError.")
def falls_back_on_the_model(model, layer, images):
    outputs = []
    hook = (
        dict(model.named_modules())
        .get(layer, model)
        .register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    )
    try:
        _restored(model, lambda: _run(model, images))
    finally:
        hook.remove()
    return outputs[0]


@mistake("feature_maps", "The message names the outermost layers only; model.named_modules() has the inner ones too.")
def names_the_outermost_layers_only(model, layer, images):
    layers = dict(model.named_modules())
    if layer not in layers:
        raise ValueError(f"the layers are {', '.join(name for name, _ in model.named_children())}")
    outputs = []
    hook = layers[layer].register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        _restored(model, lambda: _run(model, images))
    finally:
        hook.remove()
    return outputs[0]


@mistake("feature_maps", "A layer is found by the last part of its name; only the whole name counts.")
def finds_by_the_last_part(model, layer, images):
    layers = {name.rpartition(".")[2]: module for name, module in model.named_modules()}
    if layer.rpartition(".")[2] not in layers:
        raise ValueError(f"the layers are {', '.join(name for name, _ in model.named_modules())}")
    outputs = []
    hook = layers[layer.rpartition(".")[2]].register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        _restored(model, lambda: _run(model, images))
    finally:
        hook.remove()
    return outputs[0]


@mistake("feature_maps", "Every hook is taken off the layer, those of others too; remove your own only.")
def removes_every_hook(model, layer, images):
    outputs = []
    _layer(model, layer).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        _restored(model, lambda: _run(model, images))
    finally:
        _layer(model, layer)._forward_hooks.clear()
    return outputs[0]


@mistake("feature_maps", "A single image loses its place in the batch: squeeze() drops every side of length 1.")
def squeezes_the_maps(model, layer, images):
    outputs = []
    hook = _layer(model, layer).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        _restored(model, lambda: _run(model, images))
    finally:
        hook.remove()
    return outputs[0].squeeze()


_maps = {}


@mistake(
    "feature_maps",
    "An answer from an earlier call comes back for other numbers of the same shape; compute each one anew.",
)
def gives_earlier_maps(model, layer, images):
    module, key = _layer(model, layer), (layer, images.shape)
    if key not in _maps:
        outputs = []
        hook = module.register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
        try:
            _restored(model, lambda: _run(model, images))
        finally:
            hook.remove()
        _maps[key] = outputs[0]
    return _maps[key]


@mistake("feature_maps", "The maps of the first image come back alone; there are maps for each image.")
def gives_the_first_image_alone(model, layer, images):
    kept = []
    hook = _layer(model, layer).register_forward_hook(lambda module, inputs, output: kept.append(output.clone()))
    try:
        _restored(model, lambda: _run(model, images))
    finally:
        hook.remove()
    return kept[0][:1]


@mistake("extract_features", "The backbone stays in eval mode; give each submodule its own mode back.")
def leaves_eval_mode(backbone, images, batch_size=32):
    return torch.cat([_run(backbone, batch) for batch in images.split(batch_size)])


@mistake("extract_features", "model.train() at the end gives every submodule the same mode; give each its own back.")
def wakes_everything(backbone, images, batch_size=32):
    features = torch.cat([_run(backbone, batch) for batch in images.split(batch_size)])
    backbone.train()
    return features


@mistake(
    "extract_features",
    "The backbone runs in whatever mode it is in: batch norm makes images of one batch depend on one another.",
)
def forgets_the_mode(backbone, images, batch_size=32):
    with torch.no_grad():
        return torch.cat([backbone(batch) for batch in images.split(batch_size)])


@mistake(
    "extract_features",
    "eval() is called only where the backbone itself is in training mode, but a part of it may be so alone: call it always.",
)
def asks_the_backbone_alone(backbone, images, batch_size=32):
    modes = {module: module.training for module in backbone.modules()}
    if backbone.training:
        backbone.eval()
    with torch.no_grad():
        features = torch.cat([backbone(batch) for batch in images.split(batch_size)])
    for module, mode in modes.items():
        module.training = mode
    return features


@mistake(
    "extract_features", "Gradients are turned off for the whole program, and stay so; use `with torch.no_grad():`."
)
def turns_gradients_off(backbone, images, batch_size=32):
    torch.set_grad_enabled(False)
    return _restored(backbone, lambda: torch.cat([_run(backbone, part) for part in images.split(batch_size)]))


@mistake("extract_features", "The global random state is seeded, and nothing here is random; leave it alone.")
def seeds_everything(backbone, images, batch_size=32):
    torch.manual_seed(0)
    return _restored(backbone, lambda: torch.cat([_run(backbone, part) for part in images.split(batch_size)]))


@mistake("extract_features", "The last batch is left out where it is not full.")
def drops_the_last_batch(backbone, images, batch_size=32):
    batch_size = min(batch_size, len(images))
    full = len(images) - len(images) % batch_size
    parts = [images[i : i + batch_size] for i in range(0, full, batch_size)]
    return _restored(backbone, lambda: torch.cat([_run(backbone, part) for part in parts]))


@mistake(
    "extract_features", "All images go through at once where no batch_size is given; it is 32 then, as in the skeleton."
)
def takes_all_by_default(backbone, images, batch_size=None):
    parts = images.split(batch_size or len(images))
    return _restored(backbone, lambda: torch.cat([_run(backbone, part) for part in parts]))


@mistake("extract_features", "All images go through at once; take batch_size of them at a time.")
def runs_all_at_once(backbone, images, batch_size=32):
    return _restored(backbone, lambda: _run(backbone, images))


@mistake(
    "extract_features", "chunk takes the number of parts, and batch_size is how many images are in one; use split."
)
def takes_the_size_for_the_number(backbone, images, batch_size=32):
    return _restored(backbone, lambda: torch.cat([_run(backbone, part) for part in images.chunk(batch_size)]))


@mistake("extract_features", "The features are copied into a table of float32; keep the dtype that they have.")
def fills_a_table(backbone, images, batch_size=32):
    rows = _restored(backbone, lambda: torch.cat([_run(backbone, part) for part in images.split(batch_size)]))
    table = torch.zeros(rows.shape)
    table[:] = rows
    return table


@mistake("extract_features", "Only the features of the last batch come back; join those of all batches.")
def returns_the_last_batch(backbone, images, batch_size=32):
    return _restored(backbone, lambda: [_run(backbone, part) for part in images.split(batch_size)][-1])


@mistake("extract_features", "A single image gives no row of its own: squeeze() drops the batch along with the pixels.")
def squeezes_the_features(backbone, images, batch_size=32):
    return _restored(backbone, lambda: torch.cat([_run(backbone, part) for part in images.split(batch_size)])).squeeze()


@mistake("extract_features", "The images are normalised first; a backbone takes pixels in [0, 1] and does so inside.")
def normalises_the_images(backbone, images, batch_size=32):
    images = (images - 0.5) / 0.5
    return _restored(backbone, lambda: torch.cat([_run(backbone, part) for part in images.split(batch_size)]))


@mistake("extract_features", "The last batch is filled up, and the rows that were added come back too; cut them off.")
def keeps_the_padding(backbone, images, batch_size=32):
    missing = -len(images) % batch_size
    filled = torch.cat([images, images.new_zeros(missing, *images.shape[1:])])
    return _restored(backbone, lambda: torch.cat([_run(backbone, batch) for batch in filled.split(batch_size)]))


_features = {}


@mistake(
    "extract_features",
    "An answer from an earlier call comes back for other numbers of the same shape; compute each one anew.",
)
def gives_earlier_features(backbone, images, batch_size=32):
    key = type(backbone), images.shape, batch_size
    if key not in _features:
        batches = images.split(batch_size)
        _features[key] = _restored(backbone, lambda: torch.cat([_run(backbone, batch) for batch in batches]))
    return _features[key]


@mistake("feature_grid", "All channels are scaled together, so that weak ones look black; scale each on its own.")
def scales_all_together(maps, columns=8):
    return _laid_out((maps - maps.min()) / (maps.max() - maps.min()).clamp(min=1e-12), columns)


@mistake(
    "feature_grid",
    "A small number is added to what is divided by, so that the largest value of a channel is less than 1.",
)
def adds_a_small_number(maps, columns=8):
    lowest, highest = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    return _laid_out((maps - lowest) / (highest - lowest + 1e-5), columns)


@mistake("feature_grid", "Each channel is divided by its largest value alone; subtract its smallest first.")
def divides_by_the_largest(maps, columns=8):
    return _laid_out(maps / maps.amax(dim=(1, 2), keepdim=True), columns)


@mistake(
    "feature_grid", "reshape alone mixes the rows of different cells; bring the cells' rows forward by transpose first."
)
def reshapes_alone(maps, columns=8):
    channels, height, width = maps.shape
    rows = -(-channels // columns)
    cells = maps.new_zeros(rows * columns, height, width)
    cells[:channels] = _scaled(maps)
    return cells.reshape(rows * height, columns * width)


@mistake("feature_grid", "Channels run down the columns; they should run along the rows.")
def runs_down_the_columns(maps, columns=8):
    rows = -(-len(maps) // columns)
    cells = maps.new_zeros(rows * columns, *maps.shape[1:])
    cells[: len(maps)] = _scaled(maps)
    order = [column * rows + row for row in range(rows) for column in range(columns)]
    return _laid_out(cells[order], columns)


@mistake("feature_grid", "A constant channel is divided by zero; let it be 0.")
def divides_by_zero(maps, columns=8):
    lowest, highest = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    return _laid_out((maps - lowest) / (highest - lowest), columns)


@mistake("feature_grid", "A constant channel keeps its own value; let it be 0.")
def keeps_what_is_constant(maps, columns=8):
    constant = maps.amin(dim=(1, 2), keepdim=True) == maps.amax(dim=(1, 2), keepdim=True)
    return _laid_out(maps.where(constant, _scaled(maps)), columns)


@mistake("feature_grid", "The picture is only as wide as there are channels; it is always `columns` cells wide.")
def shrinks_to_the_channels(maps, columns=8):
    return _laid_out(_scaled(maps), min(columns, len(maps)))


@mistake("feature_grid", "Channels that do not fill a row are left out; round the number of rows up.")
def drops_the_last_row(maps, columns=8):
    full = len(maps) // columns * columns
    return _laid_out(_scaled(maps)[:full], columns)


@mistake("feature_grid", "The maps that were given are scaled themselves: -= and /= work in place.")
def scales_in_place(maps, columns=8):
    maps -= maps.amin(dim=(1, 2), keepdim=True)
    maps /= maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
    return _laid_out(maps, columns)


@mistake(
    "feature_grid", "There is a row too many wherever the columns divide the channels; round up: -(-C // columns)."
)
def adds_an_empty_row(maps, columns=8):
    cells = list(_scaled(maps))
    if len(cells) % columns == 0:
        cells.append(torch.zeros_like(cells[0]))
    return _laid_out(torch.stack(cells), columns)


@mistake("feature_grid", "There are `columns` rows; a row has `columns` maps, and there are as many rows as it takes.")
def takes_columns_for_rows(maps, columns=8):
    if columns < 1:
        raise ValueError("columns must be at least 1")
    return _laid_out(_scaled(maps), -(-len(maps) // columns))
