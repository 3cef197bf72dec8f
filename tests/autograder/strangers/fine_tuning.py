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
