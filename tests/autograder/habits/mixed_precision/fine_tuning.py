import torch
from torch.utils.data import DataLoader, TensorDataset

device = "cuda" if torch.cuda.is_available() else "cpu"
pin = device == "cuda"


def parameter_groups(model, *, head_rate, backbone_rate):
    if min(head_rate, backbone_rate) <= 0:
        raise ValueError(f"head_rate and backbone_rate must be positive: {head_rate}, {backbone_rate}")
    head = set(model.head.parameters())
    rest = [p for p in model.parameters() if p.requires_grad and p not in head]
    groups = [dict(params=[p for p in head if p.requires_grad], lr=head_rate), dict(params=rest, lr=backbone_rate)]
    return list(filter(lambda group: group["params"], groups))


def _measure(model, images, labels):
    model.eval()
    losses, hits = 0.0, 0
    loader = DataLoader(TensorDataset(images, labels), batch_size=64, num_workers=2, pin_memory=pin)
    with torch.no_grad(), torch.amp.autocast(device_type=device, enabled=device == "cuda"):
        for x, y in loader:
            out = model(x.to(device, non_blocking=True))
            losses += torch.nn.functional.cross_entropy(out, y.to(device), reduction="sum").item()
            hits += (out.argmax(1) == y.to(device)).sum().item()
    return losses / len(labels), hits / len(labels)


def fine_tune(
    model, train, valid, *, epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0
):
    modes = [(m, m.training) for m in model.modules()]
    optimizer = torch.optim.AdamW(parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate), weight_decay=0)
    scaler = torch.amp.GradScaler(device, enabled=device == "cuda")
    shuffle = torch.Generator().manual_seed(seed)
    loader = DataLoader(
        TensorDataset(*train), batch_size, shuffle=True, generator=shuffle, num_workers=2, persistent_workers=True
    )
    history = {f"{part}_{what}": [] for part in ("train", "valid") for what in ("loss", "accuracy")}
    best = None
    for _ in range(epochs):
        model.eval()
        for x, y in loader:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device, dtype=torch.bfloat16, enabled=False):
                loss = torch.nn.functional.cross_entropy(model(x), y)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        for part, data in (("train", train), ("valid", valid)):
            loss, hits = _measure(model, *data)
            history[f"{part}_loss"].append(loss)
            history[f"{part}_accuracy"].append(hits)
        if best is None or history["valid_loss"][-1] <= min(history["valid_loss"]):
            best = {k: v.detach().clone() for k, v in model.state_dict().items()}
    model.load_state_dict(best)
    for m, mode in modes:
        m.training = mode
    return history
