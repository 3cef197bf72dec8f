import copy
import math
from collections.abc import Sequence
from copy import deepcopy

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn


def count_parameters__tensors(model):
    total, trainable = 0, 0
    for p in model.parameters():
        total += 1
        if p.requires_grad:
            trainable += 1
    return trainable, total


def count_parameters__state_dict(model):
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return trainable, sum(t.numel() for t in model.state_dict().values())


def unfreeze__silent_about_typos(model, layers):
    for name, module in model.named_modules():
        if name in layers:
            for p in module.parameters():
                p.requires_grad = True
    return [n for n, p in model.named_parameters() if p.requires_grad]


def parameter_groups__all_of_them(model, *, head_rate, backbone_rate):
    for key, value in {"head_rate": head_rate, "backbone_rate": backbone_rate}.items():
        if value <= 0:
            raise ValueError(f"{key} must be > 0")
    head = list(model.head.parameters())
    ids = set(map(id, head))
    rest = [p for p in model.parameters() if id(p) not in ids]
    groups = [dict(params=head, lr=head_rate), dict(params=rest, lr=backbone_rate)]
    return [g for g in groups if len(g["params"])]


def augment__zero_padding(images, generator):
    n, c, h, w = images.shape
    out = []
    for image in images:
        dy, dx = torch.randint(-4, 5, (2,), generator=generator).tolist()
        if torch.rand(1, generator=generator).item() < 0.5:
            image = torch.flip(image, dims=[2])
        big = F.pad(image, (4, 4, 4, 4))
        out.append(big[:, 4 + dy : 4 + dy + h, 4 + dx : 4 + dx + w])
    return torch.stack(out)


def model_to_bytes__named_parameters(model):
    tensors = {}
    for name, p in model.named_parameters():
        tensors[name] = p.data.contiguous()
    return save(tensors)


def augment__one_draw_for_all(images, generator):
    flip = torch.rand(1, generator=generator).item() < 0.5
    dy, dx = torch.randint(-4, 5, (2,), generator=generator).tolist()
    out = F.pad(images, (4, 4, 4, 4), mode="reflect")
    h, w = images.shape[-2:]
    out = out[:, :, 4 + dy : 4 + dy + h, 4 + dx : 4 + dx + w]
    return torch.flip(out, [3]) if flip else out.clone()


def unfreeze__by_the_beginning_of_the_name(model, layers):
    names = [n for n, _ in model.named_modules()]
    for layer in layers:
        if layer not in names:
            raise ValueError("unknown layer, there are: " + ", ".join(names))
    result = []
    for name, parameter in model.named_parameters():
        if any(name.startswith(layer) for layer in layers):
            parameter.requires_grad = True
        if parameter.requires_grad:
            result.append(name)
    return result


def model_from_bytes__not_strict(data, model):
    from safetensors.torch import load as load_bytes

    model.load_state_dict(load_bytes(data), strict=False)
    return model


REACH = 4


# Everything is frozen first, so that layers that were trainable before and are not named stop being trained.
def unfreeze__all_others_are_frozen(model, layers):
    modules = dict(model.named_modules())
    for layer in layers:
        if layer not in modules:
            raise ValueError(f"no layer {layer!r} in layers; the model has {list(modules)}")
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for layer in layers:
        for parameter in modules[layer].parameters():
            parameter.requires_grad_(True)
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


# randint leaves its upper end out, so the moves run from -4 to 3 and +4 never comes.
def augment__upper_end_of_moves_left_out(images, generator):
    n, _, h, w = images.shape
    where = generator.device
    flips = torch.rand(n, generator=generator, device=where) < 0.5
    moves = torch.randint(-REACH, REACH, (n, 2), generator=generator, device=where)
    padded = F.pad(images, (REACH, REACH, REACH, REACH), mode="reflect")
    out = torch.empty_like(images)
    for i, (flip, (down, right)) in enumerate(zip(flips.tolist(), moves.tolist())):
        top, left = REACH - down, REACH - right
        crop = padded[i, :, top : top + h, left : left + w]
        out[i] = crop.flip(-1) if flip else crop
    return out


# The whole model is put in train mode to learn, so the running statistics of batch norm move.
def fine_tune__batch_norm_statistics_move(
    model, train, valid, *, epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0
):
    train_images, train_labels = train
    valid_images, valid_labels = valid
    remembered_modes = [(module, module.training) for module in model.modules()]
    groups = parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate)
    optimiser = torch.optim.Adam(groups) if groups else None
    shuffler = torch.Generator().manual_seed(int(seed))
    history = {key: [] for key in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")}
    lowest, best_weights = math.inf, None
    try:
        for _ in range(epochs):
            model.train()
            total_loss = total_right = 0
            for chosen in torch.randperm(len(train_images), generator=shuffler).split(int(batch_size)):
                chosen = chosen.to(train_images.device)
                answers = model(train_images[chosen])
                loss = F.cross_entropy(answers, train_labels[chosen])
                if optimiser is not None:
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                total_loss += loss.item() * len(chosen)
                total_right += (answers.argmax(1) == train_labels[chosen]).sum().item()
            history["train_loss"].append(total_loss / len(train_images))
            history["train_accuracy"].append(total_right / len(train_images))
            model.eval()
            with torch.no_grad():
                answers = torch.cat([model(part) for part in valid_images.split(int(batch_size))])
                valid_loss = F.cross_entropy(answers, valid_labels).item()
            history["valid_loss"].append(valid_loss)
            history["valid_accuracy"].append((answers.argmax(1) == valid_labels).float().mean().item())
            if valid_loss < lowest:
                lowest = valid_loss
                best_weights = {k: v.detach().clone() for k, v in model.state_dict().items()}
        if best_weights is not None:
            model.load_state_dict(best_weights)
        if optimiser is not None:
            optimiser.zero_grad()
    finally:
        for module, mode in remembered_modes:
            module.training = mode
    return history


# Shapes are compared while loading, tensor by tensor, so a wrong shape leaves a model that is half loaded.
def model_from_bytes__half_loaded_on_wrong_shape(data, model):
    new, own = load(data), model.state_dict()
    for name in own:
        if name not in new:
            raise ValueError(f"data: {name} is missing")
    for name in new:
        if name not in own:
            raise ValueError(f"data: the model has no {name}")
    with torch.no_grad():
        for name, tensor in own.items():
            if tensor.shape != new[name].shape:
                raise ValueError(f"data: {name} has shape {tuple(new[name].shape)}, not {tuple(tensor.shape)}")
            tensor.copy_(new[name])
    return model


# The moves are rounded from a uniform number between -4 and 4, so that -4 and 4 are half as likely as the others.
def augment__rounded_moves(images: Tensor, generator: torch.Generator) -> Tensor:
    n, c, h, w = images.shape
    reach = 4
    padded = F.pad(images, (reach, reach, reach, reach), mode="reflect")

    flips = torch.rand(n, generator=generator) < 0.5
    shifts = (torch.rand(n, 2, generator=generator) * 2 * reach - reach).round().long()

    result = torch.empty_like(images)
    for i in range(n):
        dy, dx = shifts[i].tolist()
        patch = padded[i, :, reach + dy : reach + dy + h, reach + dx : reach + dx + w]
        result[i] = patch.flip(-1) if flips[i] else patch
    return result


# The parameters are added up module by module, so one that two layers share is counted twice.
def count_parameters__module_by_module(model: nn.Module) -> tuple[int, int]:
    trainable = total = 0
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            total += parameter.numel()
            if parameter.requires_grad:
                trainable += parameter.numel()
    return trainable, total


def _train_mode(model: nn.Module) -> None:
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


@torch.no_grad()
def _measure(model, images, labels, batch_size):
    model.eval()
    logits = torch.cat([model(batch) for batch in images.split(batch_size)])
    loss = F.cross_entropy(logits, labels).item()
    return loss, (logits.argmax(dim=1) == labels).sum().item() / len(labels)


# Only BatchNorm2d layers are kept in eval mode, so a BatchNorm1d layer takes the statistics of the new pictures.
def fine_tune__only_batch_norm_2d_in_eval_mode(
    model: nn.Module,
    train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor],
    *,
    epochs: int = 10,
    head_rate: float = 1e-2,
    backbone_rate: float = 1e-3,
    batch_size: int = 32,
    seed: int = 0,
) -> dict[str, list[float]]:
    images, labels = train
    modes = [(m, m.training) for m in model.modules()]
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate))
    history = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}
    best_loss, best_state = math.inf, None

    for _ in range(epochs):
        _train_mode(model)
        losses, hits = 0.0, 0
        for index in torch.randperm(len(images), generator=generator).split(batch_size):
            logits = model(augment(images[index], generator))
            loss = F.cross_entropy(logits, labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += loss.item() * len(index)
            hits += (logits.argmax(dim=1) == labels[index]).sum().item()

        valid_loss, valid_accuracy = _measure(model, *valid, batch_size)
        history["train_loss"].append(losses / len(images))
        history["train_accuracy"].append(hits / len(images))
        history["valid_loss"].append(valid_loss)
        history["valid_accuracy"].append(valid_accuracy)
        if valid_loss < best_loss:
            best_loss, best_state = valid_loss, copy.deepcopy(model.state_dict())

    if best_state is not None:
        model.load_state_dict(best_state)
    for module, mode in modes:
        module.training = mode
    return history


def _freeze_bn(model):
    for m in model.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            m.eval()
            for p in m.parameters():
                p.requires_grad = False


# To freeze batch norm its weight and bias are made not to require gradients, and stay so.
def fine_tune__batch_norm_loses_requires_grad(
    model, train, valid, *, epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0
):
    x, y = train
    xv, yv = valid
    original_modes = {m: m.training for m in model.modules()}

    model.eval()
    _freeze_bn(model)
    opt = torch.optim.AdamW(parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate))
    gen = torch.Generator().manual_seed(seed)

    out = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}
    best = float("inf")
    best_sd = copy.deepcopy(model.state_dict())
    for epoch in range(epochs):
        order = torch.randperm(len(x), generator=gen)
        tot, ok = 0.0, 0
        for s in range(0, len(x), batch_size):
            b = order[s:s + batch_size]
            opt.zero_grad()
            z = model(x[b])
            l = F.cross_entropy(z, y[b])
            l.backward()
            opt.step()
            tot += l.item() * len(b)
            ok += (z.argmax(1) == y[b]).sum().item()
        with torch.no_grad():
            z = torch.cat([model(xv[s:s + batch_size]) for s in range(0, len(xv), batch_size)])
            vl = F.cross_entropy(z, yv).item()
            va = (z.argmax(1) == yv).float().mean().item()
        out["train_loss"].append(tot / len(x))
        out["train_accuracy"].append(ok / len(x))
        out["valid_loss"].append(vl)
        out["valid_accuracy"].append(va)
        if vl < best:
            best = vl
            best_sd = copy.deepcopy(model.state_dict())

    model.load_state_dict(best_sd)
    for m, t in original_modes.items():
        m.training = t
    return out


# The best model is a deep copy that only the local name is bound to, so the caller's keeps the last weights.
def fine_tune__best_model_is_a_local_copy(
    model: nn.Module,
    train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor],
    *,
    epochs: int = 10,
    head_rate: float = 1e-2,
    backbone_rate: float = 1e-3,
    batch_size: int = 32,
    seed: int = 0,
) -> dict[str, list[float]]:
    train_images, train_labels = train
    valid_images, valid_labels = valid

    training_flags = [(module, module.training) for module in model.modules()]
    model.eval()

    groups = parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate)
    optimizer = torch.optim.Adam(groups)
    generator = torch.Generator().manual_seed(seed)

    history = {key: [] for key in ["train_loss", "train_accuracy", "valid_loss", "valid_accuracy"]}
    best_loss = float("inf")
    best_model = model

    for epoch in range(epochs):
        losses, accuracies = [], []
        permutation = torch.randperm(len(train_images), generator=generator)
        for indices in permutation.split(batch_size):
            batch_images = augment(train_images[indices], generator)
            batch_labels = train_labels[indices]
            logits = model(batch_images)
            loss = F.cross_entropy(logits, batch_labels)

            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

            losses.append(loss.item())
            accuracies.append((logits.argmax(dim=1) == batch_labels).float().mean().item())

        history["train_loss"].append(sum(losses) / len(losses))
        history["train_accuracy"].append(sum(accuracies) / len(accuracies))

        with torch.no_grad():
            logits = torch.cat([model(part) for part in valid_images.split(batch_size)])
            valid_loss = F.cross_entropy(logits, valid_labels).item()
            valid_accuracy = (logits.argmax(dim=1) == valid_labels).float().mean().item()
        history["valid_loss"].append(valid_loss)
        history["valid_accuracy"].append(valid_accuracy)

        if valid_loss < best_loss:
            best_loss = valid_loss
            best_model = deepcopy(model)

    for module, flag in training_flags:
        module.training = flag

    model = best_model
    return history


# Each tensor is copied as soon as its own shape is checked, so a later wrong shape leaves the model changed in part.
def model_from_bytes__copied_one_by_one(data: bytes, model: nn.Module) -> nn.Module:
    loaded = load(data)
    own = model.state_dict()

    missing = [name for name in own if name not in loaded]
    if missing:
        raise ValueError(f"missing in the data: {', '.join(missing)}")
    unexpected = [name for name in loaded if name not in own]
    if unexpected:
        raise ValueError(f"the model has no {', '.join(unexpected)}")

    with torch.no_grad():
        for name, tensor in own.items():
            if tensor.shape != loaded[name].shape:
                raise ValueError(
                    f"{name}: shape {tuple(loaded[name].shape)} in the data, {tuple(tensor.shape)} in the model"
                )
            tensor.copy_(loaded[name])
    return model


# Only the parameters are saved, so buffers such as the running statistics of batch norm are missing.
def model_to_bytes__buffers_missing(model: nn.Module) -> bytes:
    tensors = {name: parameter.detach() for name, parameter in model.named_parameters()}
    return save(tensors)


# The head's parameters are told by their first name, so one shared with the backbone is taken for the backbone's.
def parameter_groups__head_by_the_first_name(model, *, head_rate, backbone_rate):
    for name, rate in (("head_rate", head_rate), ("backbone_rate", backbone_rate)):
        if not rate > 0:
            raise ValueError(f"{name} must be positive, got {rate}")

    head_params, other_params = [], []
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        if name.split(".")[0] == "head":
            head_params.append(p)
        else:
            other_params.append(p)

    groups = []
    if other_params:
        groups.append({"params": other_params, "lr": backbone_rate})
    if head_params:
        groups.append({"params": head_params, "lr": head_rate})
    return groups


# Parameters are chosen by startswith(layer) without the dot, so unfreezing "block1" also unfreezes "block10".
def unfreeze__startswith_without_the_dot(model: nn.Module, layers: Sequence[str]) -> list[str]:
    known = [name for name, _ in model.named_modules(remove_duplicate=False)]
    for layer in layers:
        if layer not in known:
            raise ValueError(f"{layer!r} is not a layer of this model. Layers: {known}")

    for name, param in model.named_parameters(remove_duplicate=False):
        if name.startswith(tuple(layers)):
            param.requires_grad = True

    return [name for name, param in model.named_parameters() if param.requires_grad]
