"""Checks of feature_extraction. The first line of each docstring is what the student reads."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from inspections import EVERYTHING, SINGLE, assert_each_close, assert_seeds_nothing, assert_tidy, assert_untouched
from PIL import Image

import data
from autograder.compare import (
    assert_between,
    assert_close,
    assert_equal,
    assert_holds,
    assert_kind,
    assert_mentions,
    assert_raises,
    show,
)
from autograder.errors import Raised

PIXEL = 2 / 255
# A few more roundings than one operation has: batches of other sizes are multiplied in another order.
BATCHED = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture
def seed(rng):
    return int(torch.randint(2**31, (1,), generator=rng))


@pytest.fixture
def images(rng):
    return torch.rand(5, 3, 10, 14, generator=rng)


def picture(rng, mode, width, height):
    """A picture of random pixels."""
    if mode == "1":
        return picture(rng, "L", width, height).convert("1")
    bands = {"L": 1, "P": 1, "LA": 2, "RGB": 3, "YCbCr": 3, "RGBA": 4, "CMYK": 4}[mode]
    pixels = torch.randint(256, (height, width, bands), dtype=torch.uint8, generator=rng).numpy()
    image = Image.frombytes(mode, (width, height), pixels.tobytes())
    if mode == "P":
        image.putpalette(torch.randint(256, (768,), generator=rng).tolist())
    return image


def pixels_of(image):
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255


def mixed(backbone):
    """A toy backbone in training mode, but for its dropout: what it gives then tells the mode of both parts."""
    backbone.train()
    backbone[-1].eval()
    return backbone


def assert_own_modes(sent, backbone, images):
    """A mixed backbone that was sent gives what it gave before: each submodule has its own mode again."""
    features = sent(images)
    # A copy: batch norm in training mode changes its statistics, which are those of what was sent.
    expected = copy.deepcopy(backbone)(images).detach()
    assert_kind(features, expected.shape)
    assert_holds(
        torch.allclose(features, expected, **BATCHED),
        ": afterwards it gives other features than before, as its submodules are not in their own modes again",
        [features],
    )


def assert_detached(result):
    assert_holds(not result.requires_grad, "returned a tensor that requires gradients, expected a detached one", result)


# --- preprocess


@pytest.mark.points("preprocess", 1)
def test_preprocess_gives_a_square(submission, rng):
    """The result is a float32 tensor of shape (3, size, size) in [0, 1]; a picture of one colour keeps it."""
    for size, width, height in ((24, 48, 36), (12, 12, 12), (1, 5, 5), (20, 10, 16)):
        image = picture(rng, "RGB", width, height)
        for side in (size, size + 1):
            result = submission.preprocess(image, side)
            assert_kind(result, (3, side, side))
            assert_between(result, 0, 1)
        colour = torch.randint(1, 255, (3,), generator=rng)
        result = submission.preprocess(Image.new("RGB", (width, height), tuple(colour.tolist())), size)
        assert_close(result, (colour / 255).view(3, 1, 1).repeat(1, size, size), rtol=0, atol=PIXEL)


@pytest.mark.points("preprocess", 1)
@pytest.mark.depends_on("test_preprocess_gives_a_square")
def test_preprocess_of_a_square_of_the_right_size(submission, rng):
    """A picture that is square and of the right size already keeps its pixels: black is 0, and white is 1."""
    image = picture(rng, "RGB", 64, 64)
    assert_close(submission.preprocess(image), pixels_of(image), rtol=0, atol=PIXEL)
    for value in (0.0, 1.0):
        plain = Image.new("RGB", (5, 5), (int(255 * value),) * 3)
        assert_close(submission.preprocess(plain, 5), torch.full((3, 5, 5), value))


@pytest.mark.points("preprocess", 1.5)
@pytest.mark.depends_on("test_preprocess_gives_a_square")
def test_preprocess_keeps_the_centre(submission):
    """Of three stripes, red, green, blue, the green one in the middle is kept, lying or standing."""
    for side, size in ((30, 10), (49, 16)):  # 49 * (16 / 49) is a little less than 16
        stripes = np.zeros((side, 3 * side, 3), dtype=np.uint8)
        for place in range(3):
            stripes[:, side * place : side * place + side, place] = 255
        # Not at the edge beside another stripe, which resizing may mix in.
        green = torch.tensor([0.0, 1.0, 0.0]).view(3, 1, 1).expand(3, size, size - 2).contiguous()
        for pixels, lying in ((stripes, True), (stripes.transpose(1, 0, 2).copy(), False)):
            result = submission.preprocess(Image.fromarray(pixels), size)
            assert_kind(result, (3, size, size))
            middle = result[:, :, 1:-1] if lying else result[:, 1:-1].transpose(1, 2)
            assert_close(middle, green, rtol=0, atol=PIXEL)


@pytest.mark.points("preprocess", 1)
@pytest.mark.depends_on("test_preprocess_gives_a_square")
def test_preprocess_averages_where_it_shrinks(submission):
    """Where it shrinks, pixels are averaged as bilinear, antialiased resizing does, and cut off only then."""
    board = (np.indices((63, 63)).sum(axis=0) % 2 * 255).astype(np.uint8)
    result = submission.preprocess(Image.fromarray(board), 21)
    assert_kind(result, (3, 21, 21))
    assert_between(result[:, 1:-1, 1:-1], 0.4, 0.6)
    # Of two white lines on black, the first lies just outside of what is kept, and shines in when the picture shrinks.
    lines = np.zeros((8, 16), dtype=np.uint8)
    lines[:, [3, 9]] = 255
    expected = torch.tensor([0.125, 0.0, 0.375, 0.125])
    result = submission.preprocess(Image.fromarray(lines), 4)
    assert_close(result, expected.expand(3, 4, 4).contiguous(), rtol=0, atol=PIXEL)


@pytest.mark.points("preprocess", 1)
@pytest.mark.depends_on("test_preprocess_gives_a_square")
def test_preprocess_takes_any_mode(submission, rng):
    """Grey pictures, palettes, alpha and CMYK all become RGB."""
    for mode in ("L", "P", "RGBA", "CMYK", "LA", "1", "YCbCr"):
        image = picture(rng, mode, 16, 16)
        result = submission.preprocess(image, 16)
        assert_kind(result, (3, 16, 16))
        assert_close(result, pixels_of(image), rtol=0, atol=PIXEL)


@pytest.mark.points("preprocess", 1)
@pytest.mark.depends_on("test_preprocess_takes_any_mode")
def test_preprocess_converts_before_it_resizes(submission, rng):
    """Colours are averaged, not the numbers that stand for them in a palette, nor by their alpha."""
    # Numbers 0 and 2 of a palette: between them lies number 1, whose colour is in no pixel of the picture.
    dark, other, bright = (
        torch.randint(low, high, (3,), generator=rng) for low, high in ((0, 60), (0, 256), (196, 256))
    )
    halves = np.zeros((24, 24), dtype=np.uint8)
    halves[:, 12:] = 2
    palette = Image.frombytes("P", (24, 24), halves.tobytes())
    palette.putpalette(torch.cat([dark, other, bright]).tolist())
    for image in (palette, picture(rng, "P", 24, 24), picture(rng, "RGBA", 24, 24)):
        plain = Image.fromarray(np.array(image.convert("RGB")))
        expected = submission.preprocess(plain, 8)
        assert_kind(expected, (3, 8, 8))
        assert_close(submission.preprocess(image, 8), expected.detach(), rtol=0, atol=PIXEL)


@pytest.mark.points("preprocess", 0.5)
@pytest.mark.depends_on("test_preprocess_gives_a_square")
def test_preprocess_refuses_no_size(submission, rng):
    """A size below 1 is a ValueError that names size."""
    image = picture(rng, "RGB", 8, 8)
    for size in (0, -3):
        assert_mentions(assert_raises(ValueError, submission.preprocess, image, size), "size")


@pytest.mark.points("preprocess", 0.5)
@pytest.mark.depends_on("test_preprocess_gives_a_square")
def test_preprocess_is_tidy(submission, rng):
    """The picture itself is not changed."""
    assert_tidy(submission, partial(submission.preprocess, picture(rng, "RGB", 20, 12), 6))


@pytest.mark.points("preprocess", 0.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_preprocess_gives_a_square")
def test_preprocess_of_random_pictures(submission, reference, rng):
    """Random pictures of any mode and shape come out right, smaller or larger."""
    for mode, width, height, size in (
        ("RGB", 60, 40, 20),
        ("L", 36, 48, 24),
        ("P", 40, 40, 16),
        ("RGBA", 32, 64, 16),
        ("CMYK", 10, 16, 20),
        ("RGB", 1, 1, 4),
    ):
        image = picture(rng, mode, width, height)
        expected = reference.preprocess(image, size)
        assert_close(submission.preprocess(image, size), expected, rtol=0, atol=PIXEL)


# --- normalize


@pytest.mark.points("normalize", 1.5)
def test_normalize_known_values(submission):
    """Pixels of 0.5 with means 0.5, 0.25, 0 and deviations 1, 0.5, 0.25 give 0, 0.5 and 2."""

    def of_channels(*values):
        return torch.tensor(values).view(1, 3, 1, 1).expand(2, 3, 4, 5).contiguous()

    images = torch.full((2, 3, 4, 5), 0.5)
    assert_each_close(
        (submission.normalize(images, [0.5, 0.25, 0.0], (1.0, 0.5, 0.25)), of_channels(0.0, 0.5, 2.0)),
        # As far from zero as the deviations have it.
        (submission.normalize(images, [0.9, 0.1, 0.3], (0.1, 0.05, 0.8)), of_channels(-4.0, 8.0, 0.25)),
    )


@pytest.mark.points("normalize", 1)
@pytest.mark.depends_on("test_normalize_known_values")
def test_normalize_goes_by_channel(submission, rng):
    """The numbers belong to channels, also where an image is as wide, or a batch as long, as it has channels."""
    means, stds = [0.1, 0.4, 0.7, 0.3], [0.5, 1.0, 2.0, 0.2]
    # One of them twice, with other pixels: what was computed for a shape is no answer to another call.
    pairs = []
    for shape in ((3, 3, 3, 3), (1, 3, 2, 3), (2, 4, 2, 4), (2, 1, 3, 2), (1, 3, 2, 3)):
        images, mean, std = torch.rand(shape, generator=rng), means[: shape[1]], stds[: shape[1]]
        channels = [(images[:, c] - mean[c]) / std[c] for c in range(shape[1])]
        pairs.append((submission.normalize(images, mean, std), torch.stack(channels, dim=1)))
    assert_each_close(*pairs)


@pytest.mark.points("normalize", 1)
@pytest.mark.depends_on("test_normalize_known_values")
def test_normalize_has_a_gradient(submission, images):
    """A gradient flows through: one over the deviation of the channel."""
    slope = submission.normalize.gradient(images, [0.5, 0.4, 0.3], [0.5, 0.25, 2.0])
    expected = torch.tensor([2.0, 4.0, 0.5]).view(1, 3, 1, 1).expand(images.shape).contiguous()
    assert_close(slope, expected)


@pytest.mark.points("normalize", 1)
@pytest.mark.depends_on("test_normalize_known_values")
def test_normalize_refuses_a_deviation_that_is_not_positive(submission, images):
    """A deviation of 0 or less is a ValueError that names std."""
    for std in ([0.2, 0.0, 0.2], [0.2, 0.2, -0.1], [-0.3, 0.2, 0.2], [-0.2, -0.2, 0.2]):
        assert_mentions(assert_raises(ValueError, submission.normalize, images, [0.5, 0.5, 0.5], std), "std")


@pytest.mark.points("normalize", 1)
@pytest.mark.depends_on("test_normalize_known_values")
def test_normalize_refuses_a_wrong_length(submission, images):
    """One number too many or too few is a ValueError that names which: mean or std; a single one is too few."""
    for wrong in ([0.5], [0.5, 0.5], [0.5] * 4):
        message = assert_raises(ValueError, submission.normalize, images, wrong, [0.2, 0.2, 0.2])
        assert_mentions(message, "mean")
        message = assert_raises(ValueError, submission.normalize, images, [0.5, 0.5, 0.5], wrong)
        assert_mentions(message, "std")
        assert_raises(ValueError, submission.normalize, images, wrong, wrong)


@pytest.mark.points("normalize", 0.5)
@pytest.mark.depends_on("test_normalize_known_values")
def test_normalize_is_tidy(submission, images):
    """The images are not changed, and float64 stays float64."""
    images = images.double() / 3
    result = assert_tidy(submission, partial(submission.normalize, images, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]))
    assert_close(result, (images - 0.5) / 0.25, **SINGLE)


@pytest.mark.points("normalize", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_normalize_known_values")
def test_normalize_on_random_images(submission, reference, rng):
    """Random images of any number of channels come out right."""
    for channels in (1, 3, 5):
        images = torch.rand(2, channels, 4, 7, generator=rng)
        mean = torch.rand(channels, generator=rng).tolist()
        std = (0.1 + torch.rand(channels, generator=rng)).tolist()
        assert_close(submission.normalize(images, mean, std), reference.normalize(images, mean, std))


# --- freeze


def assert_one_of(values, *expected, problem):
    found = any(torch.allclose(values, each, **BATCHED) for each in expected)
    assert_holds(found, problem, [values])


def outputs_of(network, images):
    """Return what a network of this process gives: in eval mode, and in training mode."""
    with torch.no_grad():
        return network.eval()(images), network.train()(images)


@pytest.mark.points("freeze", 1)
def test_freeze_sets_eval_mode(submission, images, rng, seed):
    """The model gives what it gives in eval mode, with gradients by the images; weights and running statistics stay."""
    model = submission.send(data.toy_convnet(seed=seed).train())
    submission.freeze(model)
    logits = model(images)
    expected, _ = outputs_of(data.toy_convnet(seed=seed), images)
    assert_kind(logits, expected.shape)
    assert_one_of(logits, expected, problem=": after freeze the model gives other logits than in eval mode")
    assert_holds(
        model(images.requires_grad_()).requires_grad,
        ": after freeze no gradient reaches the images any more",
        [logits],
    )
    features = torch.rand(len(images), 6, generator=rng)
    toy = data.toy_dropout_head(6, 4, normalises=False, seed=seed)
    head = submission.send(toy.train())
    submission.freeze(head)
    logits = head(features)
    expected, _ = outputs_of(toy, features)
    assert_kind(logits, expected.shape)
    assert_one_of(logits, expected, problem=": after freeze a model with dropout gives other logits than in eval mode")


@pytest.mark.points("freeze", 1.1)
def test_freeze_stops_learning(submission, images, rng, seed):
    """An optimizer's step moves no parameter: no layer learns any more."""
    trainer = submission.send(data.toy_trainer(learning_rate=0.5))
    model = submission.send(data.toy_convnet(seed=seed).train())
    submission.freeze(model)
    logits = trainer(model, images, torch.randint(4, (len(images),), generator=rng))
    either = outputs_of(data.toy_convnet(seed=seed), images)
    assert_kind(logits, either[0].shape)
    moved = ": after freeze and a step of training the model gives other logits than before"
    assert_one_of(logits, *either, problem=moved)
    # A model may be a single layer. A parameter may have any name, and stand on a module that has layers of its own.
    features = torch.rand(len(images), 6, generator=rng)
    for toy in (data.toy_head(6, 4, seed=seed), data.toy_scaled_head(6, 4, seed=seed)):
        head = submission.send(toy)
        submission.freeze(head)
        logits = trainer(head, features, torch.randint(4, (len(images),), generator=rng))
        expected, _ = outputs_of(toy, features)
        assert_kind(logits, expected.shape)
        assert_one_of(logits, expected, problem=moved)


@pytest.mark.points("freeze", 0.5)
@pytest.mark.depends_on("test_freeze_sets_eval_mode", "test_freeze_stops_learning")
def test_freeze_returns_the_same_module(submission, seed):
    """The very module that was given comes back, not a copy of it."""
    model = submission.send(data.toy_convnet(seed=seed))
    result = submission.freeze(model)
    assert_holds(result == model, f"returned {show(result)[:60]}, expected the very module that was given", [result])


@pytest.mark.points("freeze", 0.4)
@pytest.mark.depends_on("test_freeze_sets_eval_mode", "test_freeze_stops_learning")
def test_freeze_reaches_every_part(submission, seed):
    """Each parameter requires no gradient, each part is in eval mode, and nothing is left behind."""
    # One of many layers, one that is a single layer itself, and one with batch norm of another kind.
    networks = (
        data.toy_convnet(seed=seed),
        data.toy_head(4, 3, seed=seed),
        data.toy_scaled_head(4, 3, seed=seed),
        data.eye_backbone("both", seed=seed),
    )
    for network in networks:
        model = submission.send(network.train())
        submission.freeze(model)
        call, condition = submission.last, model.inspect()
        parameters = {name for name, _ in network.named_parameters()}
        learning = sorted(parameters - set(condition["frozen"]))
        assert_holds(not learning, f"left parameters that require gradients: {', '.join(learning[:3])}")
        modes = [name or "the model itself" for name in condition["training"]]
        # Who picks layers by their kinds reaches no convolution, and batch norm or dropout at least.
        some = "first" in modes and len(modes) < len(list(network.modules()))
        assert_holds(
            not modes,
            f"left something in training mode: {', '.join(modes[:3])}",
            mistake="quiets_some_kinds_of_layers" if some else "",
        )
        assert_untouched(call, "weights", "gradients", "hooks")
        submission.freeze(model)
        assert_seeds_nothing(call, submission.last)


@pytest.mark.points("freeze", 1)
@pytest.mark.hidden
def test_freeze_any_network(submission, model, rng):
    """A larger network is frozen to its last parameter, also where parts of it were frozen before."""
    images = torch.rand(4, 3, 32, 32, generator=rng)
    with torch.no_grad():
        expected = model(images)
    model.train()
    model.backbone.stem.eval().requires_grad_(False)
    sent = submission.send(model)
    submission.freeze(sent)
    trainer = submission.send(data.toy_trainer(learning_rate=0.5))
    logits = trainer(sent, images, torch.randint(expected.shape[1], (4,), generator=rng))
    assert_kind(logits, expected.shape)
    assert_one_of(
        logits, expected, problem=": after freeze and a step of training the model gives other logits than before"
    )


# --- feature_maps


@pytest.mark.points("feature_maps", 1)
def test_feature_maps_gives_maps(submission, images, seed):
    """The result is the output of the layer, detached: that of the very first layer."""
    network = data.toy_convnet(seed=seed)
    with torch.no_grad():
        expected = network.first(images)
    result = submission.feature_maps(network, "first", images)
    assert_close(result, expected, **BATCHED)
    assert_detached(result)


@pytest.mark.points("feature_maps", 1)
@pytest.mark.depends_on("test_feature_maps_gives_maps")
def test_feature_maps_of_a_layer(submission, images, seed):
    """What comes back is what the layer gave out, and not an earlier or a later layer."""
    network = data.toy_convnet(seed=seed)
    with torch.no_grad():
        shallow = network.relu(network.norm(network.first(images[:1])))
        expected = network.block.down(network.relu(network.norm(network.first(images))))
    assert_close(submission.feature_maps(network, "block.down", images), expected, **BATCHED)
    assert_close(submission.feature_maps(network, "relu", images[:1]), shallow, **BATCHED)
    # Of other images of this shape, other maps.
    assert_close(submission.feature_maps(network, "block.down", images.flip(0)), expected.flip(0), **BATCHED)


@pytest.mark.points("feature_maps", 1.5)
@pytest.mark.depends_on("test_feature_maps_gives_maps")
def test_feature_maps_are_safe_from_a_later_relu(submission, images, seed):
    """A ReLU that works in place right after the layer does not change what comes back: negative values are there."""
    network = data.toy_convnet(seed=seed)
    with torch.no_grad():
        expected = network.norm(network.first(images))
    assert_close(submission.feature_maps(network, "norm", images), expected, **BATCHED)


@pytest.mark.points("feature_maps", 2)
@pytest.mark.depends_on("test_feature_maps_gives_maps")
def test_feature_maps_in_eval_mode(submission, images, seed):
    """The maps are those of eval mode, and each submodule has its own mode and statistics afterwards."""
    network = data.toy_backbone(seed=seed)
    with torch.no_grad():
        expected = network[1](network[0](images))
    sent = submission.send(mixed(network))
    assert_close(submission.feature_maps(sent, "1", images), expected, **BATCHED)
    assert_own_modes(sent, network, images)


@pytest.mark.points("feature_maps", 0.4)
@pytest.mark.depends_on("test_feature_maps_gives_maps")
def test_feature_maps_takes_the_hook_off(submission, images, seed):
    """No hook stays on the model, and nothing else about it is changed."""
    network = data.toy_convnet(watched=True, seed=seed)
    network.norm.requires_grad_(False)
    network.block.train()
    network.block.relu.eval()  # a part of a part in a mode of its own
    sent = submission.send(network)
    submission.feature_maps(sent, "first", images)
    call = submission.last
    assert_holds(
        sent.inspect()["hooks"] > 0,
        "took another hook off as well, expected only its own to be gone",
        mistake="removes_every_hook",
    )
    assert_untouched(call, *EVERYTHING)
    submission.feature_maps(sent, "first", images)
    assert_seeds_nothing(call, submission.last)


@pytest.mark.points("feature_maps", 0.5)
@pytest.mark.depends_on("test_feature_maps_gives_maps")
def test_feature_maps_takes_the_hook_off_after_an_error(submission, images, seed):
    """No hook stays on a model whose forward pass raises."""
    # Who takes it off where nothing raises forgets it after an error only.
    whole, network = (submission.send(data.toy_convnet(breaks=breaks, seed=seed)) for breaks in (False, True))
    submission.feature_maps(whole, "first", images)
    try:
        submission.feature_maps(network, "first", images)
    except Raised as error:
        if "RuntimeError" not in error.kinds:  # the network's own error may come through, as any other answer may
            raise
    assert_holds(
        network.inspect()["hooks"] == 0,
        "left a hook on a model whose forward pass raised RuntimeError",
        mistake="leaves_the_hook_after_an_error" if whole.inspect()["hooks"] == 0 else "",
    )


@pytest.mark.points("feature_maps", 1)
@pytest.mark.depends_on("test_feature_maps_gives_maps")
def test_feature_maps_refuses_an_unknown_layer(submission, images, seed):
    """A layer that is not there is a ValueError that names those that are, inner ones too; a part of a name is none."""
    network = data.toy_convnet(seed=seed).train()
    network.norm.eval()
    sent = submission.send(network)
    for layer in ("last", "block.up", "down", "bloc", "first.weight"):
        message = assert_raises(ValueError, submission.feature_maps, sent, layer, images)
        assert_mentions(message, "first", "norm", "block", "head")
        inner = "block.down"
        assert_holds(
            inner in message,
            f"raised an error that says {message!r}, expected it to name {inner!r}",
            mistake="names_the_outermost_layers_only",
        )
    training = {name for name, module in network.named_modules() if module.training}
    assert_holds(
        set(sent.inspect()["training"]) == training,
        "raised the error, and left submodules of the model in another mode than before",
        mistake="switches_the_mode_before_it_looks_the_layer_up",
    )


@pytest.mark.points("feature_maps", 1.6)
@pytest.mark.hidden
@pytest.mark.depends_on("test_feature_maps_gives_maps")
def test_feature_maps_of_a_larger_network(submission, reference, model, rng):
    """The layers of a larger network, and a single image, come out right."""
    image = torch.rand(1, 3, 32, 48, generator=rng)
    for layer in ("backbone.stem.0", "backbone.block3.second_norm", "backbone.down4"):
        expected = reference.feature_maps(model, layer, image)
        assert_close(submission.feature_maps(model, layer, image), expected, **BATCHED)


# --- extract_features


@pytest.mark.points("extract_features", 2)
def test_features_are_those_of_the_backbone(submission, images, seed):
    """The result has the shape (N, D) and is detached; each row is what the backbone gives for that image."""
    for backbone, count in (
        (data.toy_backbone(seed=seed), 5),
        (data.toy_backbone(seed=seed), 1),
        (data.eye_backbone("both"), 3),
    ):
        with torch.no_grad():
            expected = backbone(images[:count])
        result = submission.extract_features(backbone, images[:count])
        assert_close(result, expected, **BATCHED)
        assert_detached(result)
    # The very same backbone has other features for other images of this shape.
    with torch.no_grad():
        expected = backbone(images)
    sent = submission.send(backbone)
    for some, features in ((images, expected), (images.flip(0), expected.flip(0))):
        assert_close(submission.extract_features(sent, some), features, **BATCHED)


@pytest.mark.points("extract_features", 1.5)
@pytest.mark.depends_on("test_features_are_those_of_the_backbone")
def test_features_are_the_same_in_any_batches(submission, images, seed):
    """No more than batch_size images go through at once, and the result does not depend on it, full batches or not."""
    backbone = data.toy_backbone(seed=seed)
    with torch.no_grad():
        expected = backbone(images)
    for batch_size in (2, 1, 5, 4):
        assert_close(submission.extract_features(backbone, images, batch_size), expected, **BATCHED)
    for most in (2, 1):
        backbone = data.toy_backbone(most=most, seed=seed)
        assert_close(submission.extract_features(backbone, images, most), expected, **BATCHED)
    # And 32 where nothing is asked for.
    backbone = data.toy_backbone(most=32, seed=seed)
    many = submission.extract_features(backbone, images.repeat(7, 1, 1, 1))
    assert_close(many, expected.repeat(7, 1), **BATCHED)


@pytest.mark.points("extract_features", 1.5)
@pytest.mark.depends_on("test_features_are_those_of_the_backbone")
def test_features_in_eval_mode(submission, images, seed):
    """The features are those of eval mode, and each submodule has its own mode and statistics afterwards."""
    backbone = data.toy_backbone(seed=seed)
    with torch.no_grad():
        expected = backbone(images)
    sent = submission.send(mixed(backbone))
    assert_close(submission.extract_features(sent, images, 3), expected, **BATCHED)
    assert_own_modes(sent, backbone, images)
    # A part of it trains, though the backbone itself does not.
    backbone = data.toy_backbone(seed=seed)
    backbone[1].train()
    sent = submission.send(backbone)
    assert_close(submission.extract_features(sent, images, 3), expected, **BATCHED)
    assert_own_modes(sent, backbone, images)


@pytest.mark.points("extract_features", 0.5)
@pytest.mark.depends_on("test_features_are_those_of_the_backbone")
def test_features_are_tidy(submission, images, seed):
    """The images are not changed, nothing is left on the backbone, and float64 stays float64."""
    backbone, images = data.toy_backbone(seed=seed).double(), images.double() / 3
    backbone[1].requires_grad_(False)
    result = assert_tidy(submission, partial(submission.extract_features, backbone, images, 2))
    assert_kind(result, (5, 6), torch.float64)


@pytest.mark.points("extract_features", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_features_are_those_of_the_backbone")
def test_features_of_a_larger_backbone(submission, reference, model, rng):
    """A larger backbone and images that are not square come out right, whatever the mode."""
    images = torch.rand(7, 3, 32, 40, generator=rng)
    expected = reference.extract_features(model.backbone, images)
    assert_close(submission.extract_features(model.backbone, images, 3), expected, **BATCHED)
    model.train()
    assert_close(submission.extract_features(model.backbone, images), expected, **BATCHED)


# --- feature_grid


@pytest.mark.points("feature_grid", 2)
def test_grid_of_three_channels(submission):
    """Three channels of 1 x 2 in two columns: row by row, each scaled on its own, the last cell 0."""
    maps = torch.tensor([[[0.0, 4.0]], [[-1.0, -3.0]], [[5.0, 6.0]]])
    expected = torch.tensor([[0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    assert_close(submission.feature_grid(maps, 2), expected)
    turned = torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]])
    assert_close(submission.feature_grid(maps.flip(2), 2), turned)
    # Values that lie close together are scaled as any others.
    close = torch.tensor([[[0.5, 0.501]], [[-0.25, -0.2505]]])
    assert_close(submission.feature_grid(close, 2), torch.tensor([[0.0, 1.0, 1.0, 0.0]]), atol=1e-4)


@pytest.mark.points("feature_grid", 1)
@pytest.mark.depends_on("test_grid_of_three_channels")
def test_grid_is_always_as_wide(submission, rng):
    """The picture is `columns` cells wide, 8 by default, also where there are fewer channels."""
    maps = torch.rand(3, 4, 5, generator=rng)
    for columns, height in ((8, 4), (3, 4), (2, 8), (1, 12)):
        result = submission.feature_grid(maps) if columns == 8 else submission.feature_grid(maps, columns)
        assert_kind(result, (height, 5 * columns))
        assert_between(result, 0, 1)


@pytest.mark.points("feature_grid", 1)
@pytest.mark.depends_on("test_grid_of_three_channels")
def test_grid_of_a_constant_channel(submission, rng):
    """A constant channel is 0, whatever its value, and does not disturb the others."""
    maps = torch.stack((torch.full((2, 2), 7.0), torch.tensor([[0.0, 1.0], [2.0, 4.0]]), torch.full((2, 2), -3.0)))
    expected = torch.tensor([[0.0, 0.0, 0.0, 0.25, 0.0, 0.0], [0.0, 0.0, 0.5, 1.0, 0.0, 0.0]])
    assert_close(submission.feature_grid(maps, 3), expected)
    assert_equal(submission.feature_grid(torch.rand(2, 1, 1, generator=rng), 2), torch.zeros(1, 2))


@pytest.mark.points("feature_grid", 0.5)
@pytest.mark.depends_on("test_grid_of_three_channels")
def test_grid_is_tidy(submission, rng):
    """The maps are not changed, and float64 stays float64."""
    maps = torch.rand(2, 3, 4, generator=rng, dtype=torch.float64)
    result = assert_tidy(submission, partial(submission.feature_grid, maps, 2))
    assert_kind(result, (3, 8), torch.float64)
    cells = [(each - each.min()) / (each.max() - each.min()) for each in maps]
    assert_close(result, torch.cat(cells, dim=1), **SINGLE)


@pytest.mark.points("feature_grid", 1.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_grid_of_three_channels")
def test_grid_of_random_maps(submission, reference, rng):
    """Random maps of any number and shape come out right."""
    for channels, height, width, columns in ((9, 3, 5, 4), (8, 4, 4, 8), (1, 6, 2, 3), (7, 1, 3, 1)):
        maps = 5 * torch.randn(channels, height, width, generator=rng)
        assert_close(submission.feature_grid(maps, columns), reference.feature_grid(maps, columns), atol=1e-5)
