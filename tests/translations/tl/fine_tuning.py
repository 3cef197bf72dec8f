"""Fine-tuning."""

import math

import torch
from safetensors.torch import load, save
from torch import nn

REACH = 4


def count_parameters(model):
    everything = [parameter.numel() for parameter in model.parameters()]
    trainable = [parameter.numel() for parameter in model.parameters() if parameter.requires_grad]
    return sum(trainable), sum(everything)


def unfreeze(model, layers):
    found = []
    names = [name for name, _ in model.named_modules()]
    for layer in layers:
        if layer not in names:
            raise ValueError(f"hindi submodule ang {layer!r}; mayroong {names}")
        found.append(model.get_submodule(layer))
    for module in found:
        for parameter in module.parameters():
            parameter.requires_grad_()
    required = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            required.append(name)
    return required


def parameter_groups(model, *, head_rate, backbone_rate):
    if not head_rate > 0 or not backbone_rate > 0:
        raise ValueError(f"dapat positibo: head_rate = {head_rate}, backbone_rate = {backbone_rate}")
    heads = list(model.head.parameters())
    groups = []
    for parameter in model.parameters():
        if parameter.requires_grad:
            in_head = any(parameter is other for other in heads)
            groups.append({"params": [parameter], "lr": head_rate if in_head else backbone_rate})
    return groups


def reflect(positions, length):
    """Ibalik sa loob ang mga posisyong lumampas, na parang salamin ang pixel sa gilid."""
    positions = positions.abs()
    return length - 1 - (length - 1 - positions).abs()


def augment(images, generator):
    height, width = images.shape[-2:]
    results = []
    for image in images:
        flip, down, right = (
            int(torch.randint(limit, (), generator=generator)) for limit in (2, 2 * REACH + 1, 2 * REACH + 1)
        )
        if flip == 1:
            image = image.flip(2)
        rows = reflect(torch.arange(height) + down - REACH, height)
        columns = reflect(torch.arange(width) + right - REACH, width)
        results.append(image[:, rows][:, :, columns])
    return torch.stack(results)


def measure(model, data):
    images, labels = data
    with torch.no_grad():
        logits = model(images)
    return float(nn.functional.cross_entropy(logits, labels)), float((logits.argmax(1) == labels).double().mean())


def fine_tune(model, train, valid, *, epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0):
    images, labels = train
    modules = list(model.modules())
    modes = [module.training for module in modules]
    model.eval()
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(
        parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate), weight_decay=0.0
    )
    history = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}
    best, weights = math.inf, None
    for _ in range(epochs):
        losses, correct, seen = [], 0, 0
        order = torch.randperm(len(images), generator=generator)
        while seen < len(images):
            rows = order[seen : seen + batch_size]
            seen += len(rows)
            logits = model(images[rows])
            loss = nn.functional.cross_entropy(logits, labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
            correct += int((logits.argmax(1) == labels[rows]).sum())
        loss, accuracy = measure(model, valid)
        history["train_loss"].append(sum(losses) / len(losses))
        history["train_accuracy"].append(correct / len(images))
        history["valid_loss"].append(loss)
        history["valid_accuracy"].append(accuracy)
        if loss < best:
            best = loss
            weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    optimizer.zero_grad()
    if weights is not None:
        model.load_state_dict(weights)
    for module, mode in zip(modules, modes, strict=True):
        module.training = mode
    return history


def model_to_bytes(model):
    return save({name: tensor.detach() for name, tensor in model.state_dict().items()})


def model_from_bytes(data, model):
    loaded = load(data)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    for name, shape in shapes.items():
        if name not in loaded:
            raise ValueError(f"kulang ng {name}")
        if loaded[name].shape != shape:
            raise ValueError(f"{name}: {tuple(loaded[name].shape)} sa halip na {tuple(shape)}")
    for name in loaded:
        if name not in shapes:
            raise ValueError(f"walang {name} ang model")
    model.load_state_dict(loaded)
    return model
