import math
from safetensors.torch import load
import torch
import torch.nn.functional as F
from safetensors.torch import save


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
