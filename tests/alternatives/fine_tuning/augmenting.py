"""Adam on augmented batches, a group for each parameter, images taken one by one, weights copied one by one."""

import torch
import torch.nn.functional as F
from safetensors.torch import load, save


def count_parameters(model):
    seen, trainable = {}, 0
    for parameter in model.parameters():
        if id(parameter) not in seen:
            seen[id(parameter)] = parameter.numel()
            trainable += parameter.numel() * int(parameter.requires_grad)
    return trainable, sum(seen.values())


def unfreeze(model, layers):
    modules = dict(model.named_modules())
    if not set(layers) <= set(modules):
        raise ValueError(f"{set(layers) - set(modules)} are none of the layers {set(modules)}")
    for name, parameter in model.named_parameters():
        if any(layer == "" or name.startswith(f"{layer}.") for layer in layers):
            parameter.requires_grad_()
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def parameter_groups(model, *, head_rate, backbone_rate):
    for name, rate in {"head_rate": head_rate, "backbone_rate": backbone_rate}.items():
        if rate <= 0:
            raise ValueError(f"{name} is {rate} and should be above 0")
    head = list(model.head.parameters())
    return [
        {"params": each, "lr": head_rate if any(each is other for other in head) else backbone_rate}
        for each in model.parameters()
        if each.requires_grad
    ]


def augment(images, generator):
    result = []
    for image in images:
        if torch.rand((), generator=generator) < 0.5:
            image = image.flip(2)
        top, left = (int(torch.randint(9, (), generator=generator)) for _ in range(2))
        padded = F.pad(image[None], (4, 4, 4, 4), mode="reflect")[0]
        result.append(padded[:, top : top + image.shape[1], left : left + image.shape[2]].clone())
    return torch.stack(result)


def fine_tune(model, train, valid, *, epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0):
    dice = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate))
    modes = [module.training for module in model.modules()]
    model.eval()
    images, labels = train
    rows, states = [], []
    for _ in range(epochs):
        losses, hits = [], []
        order = torch.randperm(len(images), generator=dice)
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            model.zero_grad()
            logits = model(augment(images[batch], dice))
            loss = F.cross_entropy(logits, labels[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            hits += (logits.argmax(1) == labels[batch]).tolist()
        with torch.inference_mode():
            logits = model(valid[0])
        right = (logits.argmax(1) == valid[1]).double().mean().item()
        rows.append((sum(losses) / len(losses), sum(hits) / len(hits), F.cross_entropy(logits, valid[1]).item(), right))
        states.append([value.clone() for value in model.state_dict().values()])
    best = min(range(epochs), key=lambda epoch: rows[epoch][2])
    with torch.no_grad():
        for value, kept in zip(model.state_dict().values(), states[best], strict=True):
            value.copy_(kept)
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    names = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    return {name: [row[k] for row in rows] for k, name in enumerate(names)}


def model_to_bytes(model):
    return bytes(save(dict(model.state_dict())))


def model_from_bytes(data, model):
    state, own = load(data), model.state_dict()
    for name, value in own.items():
        if name not in state:
            raise ValueError(f"{name} is missing")
        if state[name].shape != value.shape:
            raise ValueError(f"{name} has the shape {state[name].shape}")
    for name in state:
        if name not in own:
            raise ValueError(f"{name} is unknown")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(state[name])
    return model
