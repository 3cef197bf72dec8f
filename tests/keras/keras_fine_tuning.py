"""The unit in Keras: its losses and operations; the model and the optimizer are PyTorch's."""

import copy

import keras
import torch
from keras import ops
from safetensors.torch import load, save

REACH = 4


def count_parameters(model):
    sizes = [(ops.size(parameter), parameter.requires_grad) for parameter in model.parameters()]
    return sum(int(size) for size, trained in sizes if trained), sum(int(size) for size, _ in sizes)


def unfreeze(model, layers):
    submodules = dict(model.named_modules())
    unknown = [layer for layer in layers if layer not in submodules]
    if unknown:
        raise ValueError(f"layers {unknown} do not exist; there are {list(submodules)}")
    for layer in layers:
        submodules[layer].requires_grad_(True)
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def parameter_groups(model, *, head_rate, backbone_rate):
    for name, rate in (("head_rate", head_rate), ("backbone_rate", backbone_rate)):
        if rate <= 0:
            raise ValueError(f"{name} is {rate}; expected more than 0")
    of_head = set(map(id, model.head.parameters()))
    groups = {True: [], False: []}
    for parameter in model.parameters():
        if parameter.requires_grad:
            groups[id(parameter) in of_head].append(parameter)
    rates = {True: head_rate, False: backbone_rate}
    return [{"params": found, "lr": rates[head]} for head, found in groups.items() if found]


def augment(images, generator):
    seed = keras.random.SeedGenerator(int(torch.randint(2**31 - 1, (), generator=generator)))
    count, _, height, width = images.shape
    flips = keras.random.randint((count,), 0, 2, seed=seed)
    moves = keras.random.randint((count, 2), 0, 2 * REACH + 1, seed=seed)
    padded = ops.pad(images, ((0, 0), (0, 0), (REACH, REACH), (REACH, REACH)), mode="reflect")
    moved = [
        ops.slice(picture, (0, int(down), int(across)), (picture.shape[0], height, width))
        for picture, (down, across) in zip(padded, moves, strict=True)
    ]
    moved = ops.stack(moved)
    return ops.where(ops.reshape(flips == 1, (-1, 1, 1, 1)), ops.flip(moved, axis=-1), moved)


def _loss(logits, labels):
    return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def _figures(model, images, labels):
    with torch.no_grad():
        logits = model(images)
        share = ops.mean(keras.metrics.sparse_categorical_accuracy(labels, logits))
        return float(_loss(logits, labels)), float(share)


def fine_tune(model, train, valid, *, epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0):
    images, labels = train
    shuffled = keras.random.SeedGenerator(seed)
    optimizer = torch.optim.Adam(parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate))
    history = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    best, kept = float("inf"), copy.deepcopy(model.state_dict())
    for _ in range(epochs):
        order = keras.random.shuffle(torch.arange(len(labels)), seed=shuffled)
        for rows in order.split(batch_size):
            optimizer.zero_grad()
            _loss(model(images[rows]), labels[rows]).backward()
            optimizer.step()
        for name, data in (("train", train), ("valid", valid)):
            loss, share = _figures(model, *data)
            history[f"{name}_loss"].append(loss)
            history[f"{name}_accuracy"].append(share)
        if loss < best:
            best, kept = loss, copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    for module, mode in modes:
        module.training = mode
    return history


def model_to_bytes(model):
    return save(model.state_dict())


def model_from_bytes(data, model):
    state = model.state_dict()
    given = load(data)
    for name in state.keys() | given.keys():
        shapes = [tuple(tensors[name].shape) if name in tensors else None for tensors in (state, given)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"{name} has the shape {shapes[1]} in the data; expected {shapes[0]}")
    model.load_state_dict(given)
    return model
