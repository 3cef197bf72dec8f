import torch
import torch.nn.functional as F
from torch import nn


def build_head__sequential_softmax(in_features, num_classes):
    if in_features < 1:
        raise ValueError("in_features must be >= 1")
    if num_classes < 1:
        raise ValueError("num_classes must be >= 1")
    layers = [nn.Linear(in_features, num_classes), nn.Softmax(dim=-1)]
    return nn.Sequential(*layers)


def accuracy__hundred(logits, labels):
    n = labels.numel()
    if n == 0 or logits.size(0) != n:
        raise ValueError("logits and labels must have one length, not zero")
    hits = 0
    for row, label in zip(logits, labels):
        hits += int(torch.argmax(row) == label)
    return 100.0 * hits / n


def evaluate__accuracy_first(head, features, labels):
    states = {m: m.training for m in head.modules()}
    head.eval()
    with torch.inference_mode():
        out = head(features)
        loss = F.nll_loss(F.log_softmax(out, 1), labels)
        acc = (out.max(1)[1] == labels).double().mean()
    for m, s in states.items():
        m.training = s
    return acc.item(), loss.item()


def predict__logits(model, images, k=3):
    if k < 1:
        raise ValueError("k < 1")
    with torch.inference_mode():
        scores = model(images)
    result = []
    for row in scores:
        best = sorted(range(len(row)), key=lambda j: -row[j].item())[:k]
        result.append([(model.classes[j], row[j].item()) for j in best])
    return result


def predict__softmax_over_the_batch(model, images, k=3):
    if k <= 0:
        raise ValueError(f"k must be positive, got {k}")
    with torch.no_grad():
        p = torch.softmax(model(images), 0).numpy()
    return [
        [(model.classes[i], float(row[i])) for i in (-row).argsort(kind="stable")[:k]]
        for row in p
    ]


def fit_head__order_drawn_once(
    head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0
):
    x, y = train
    optimizer = torch.optim.SGD(head.parameters(), lr=learning_rate)
    g = torch.Generator()
    g.manual_seed(seed)
    order = torch.randperm(x.shape[0], generator=g)
    history = dict(train_loss=[], train_accuracy=[], valid_loss=[], valid_accuracy=[])
    best, waited = float("inf"), 0
    state = {k: v.clone() for k, v in head.state_dict().items()}
    for _ in range(epochs):
        for i in range(0, len(order), batch_size):
            rows = order[i : i + batch_size]
            optimizer.zero_grad()
            F.cross_entropy(head(x[rows]), y[rows]).backward()
            optimizer.step()
        for name, data in (("train", train), ("valid", valid)):
            loss, acc = evaluate(head, *data)
            history[name + "_loss"].append(loss)
            history[name + "_accuracy"].append(acc)
        if history["valid_loss"][-1] < best:
            best, waited = history["valid_loss"][-1], 0
            state = {k: v.clone() for k, v in head.state_dict().items()}
        else:
            waited += 1
            if patience is not None and waited >= patience:
                break
    head.load_state_dict(state)
    return history


def evaluate__sum_of_losses(head, features, labels):
    modes = {m: m.training for m in head.modules()}
    head.eval()
    with torch.no_grad():
        out = head(features)
        loss = nn.CrossEntropyLoss(reduction="sum")(out, labels)
        hits = (out.max(1)[1] == labels).sum()
    for m, mode in modes.items():
        m.training = mode
    return loss.item(), hits.item() / labels.numel()


def accuracy__two_decimals(logits, labels):
    if logits.shape[0] != labels.shape[0]:
        raise ValueError("logits and labels differ in length")
    if labels.shape[0] == 0:
        raise ValueError("no labels")
    n = 0
    for row, label in zip(logits, labels):
        if row.argmax().item() == label.item():
            n += 1
    return round(n / len(labels), 2)
