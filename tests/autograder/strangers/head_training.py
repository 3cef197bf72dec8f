import copy
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


# The accuracy is given in percent, 0 to 100, instead of a share from 0 to 1.
def accuracy__in_percent(logits, labels):
    if len(logits) != len(labels):
        raise ValueError(f"logits has {len(logits)} rows but labels has {len(labels)} entries")
    if len(labels) == 0:
        raise ValueError("labels is empty, there are no examples")
    number_of_hits = 0
    for predicted_class, true_class in zip(logits.argmax(dim=1).tolist(), labels.tolist()):
        if predicted_class == true_class:
            number_of_hits += 1
    return 100.0 * number_of_hits / len(labels)


# The loss is the plain mean of the batches' means, so the examples of a smaller last batch count for more.
def evaluate__mean_of_batch_means(head, features, labels):
    modes = {m: m.training for m in head.modules()}
    head.eval()
    losses, right = [], 0
    try:
        with torch.no_grad():
            for x, y in zip(features.split(10), labels.split(10)):
                out = head(x)
                losses.append(F.cross_entropy(out, y).item())
                right += (out.argmax(1) == y).sum().item()
    finally:
        for m, t in modes.items():
            m.training = t
    return sum(losses) / len(losses), right / len(labels)


# The best weights are remembered by reference (state_dict without a copy), so the head ends with the last weights.
def fit_head__best_weights_not_copied(
    head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0
):
    X, Y = train
    generator = torch.Generator().manual_seed(int(seed))
    optimizer = torch.optim.SGD(head.parameters(), lr=learning_rate)
    history = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}
    best_loss, best_epoch, best_state = math.inf, -1, None
    for epoch in range(epochs):
        loss_sum, hits = 0.0, 0
        for index in torch.randperm(len(X), generator=generator).split(int(batch_size)):
            index = index.to(X.device)
            xb, yb = X[index], Y[index]
            logits = head(xb)
            loss = F.cross_entropy(logits, yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(yb)
            hits += int((logits.argmax(1) == yb).sum())
        history["train_loss"].append(loss_sum / len(X))
        history["train_accuracy"].append(hits / len(X))
        valid_loss, valid_accuracy = evaluate(head, valid[0], valid[1])
        history["valid_loss"].append(valid_loss)
        history["valid_accuracy"].append(valid_accuracy)
        if valid_loss < best_loss:
            best_loss, best_epoch = valid_loss, epoch
            best_state = head.state_dict()
        if patience is not None and epoch - best_epoch >= patience:
            break
    if best_state is not None:
        head.load_state_dict(best_state)
    return history


# The softmax runs along the wrong axis, over the images of the batch instead of over the classes.
def predict__softmax_along_the_images(model, images, k=3):
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    with torch.no_grad():
        probabilities = torch.softmax(model(images), dim=0)
    values, indices = probabilities.topk(min(int(k), probabilities.shape[1]), dim=1)
    return [[(model.classes[i], p) for p, i in zip(ps, js)] for ps, js in zip(values.tolist(), indices.tolist())]


# A dropout layer stands before the linear one, as in torchvision, so in training mode the head is no affine map.
def build_head__dropout_before_the_linear_layer(in_features: int, num_classes: int) -> nn.Module:
    if in_features < 1:
        raise ValueError(f"in_features must be at least 1, not {in_features}")
    if num_classes < 1:
        raise ValueError(f"num_classes must be at least 1, not {num_classes}")
    return nn.Sequential(
        nn.Dropout(p=0.2),
        nn.Linear(in_features, num_classes),
    )


# The loss is the mean of the means of the batches, so that the examples of a smaller last batch weigh more.
def evaluate__batch_means_averaged(head: nn.Module, features: Tensor, labels: Tensor) -> tuple[float, float]:
    modes = {module: module.training for module in head.modules()}
    head.eval()
    total_loss, correct, n_batches = 0.0, 0, 0
    try:
        with torch.no_grad():
            for x, y in zip(features.split(32), labels.split(32)):
                logits = head(x)
                total_loss += F.cross_entropy(logits, y).item()
                correct += (logits.argmax(dim=1) == y).sum().item()
                n_batches += 1
    finally:
        for module, mode in modes.items():
            module.training = mode
    return total_loss / n_batches, correct / len(labels)


# requires_grad is switched off and then on for all parameters, which unfreezes those that were frozen before.
def evaluate__unfreezes_the_frozen(head, features, labels):
    states = [(m, m.training) for m in head.modules()]
    head.eval()
    for p in head.parameters():
        p.requires_grad_(False)
    try:
        logits = head(features).detach()
        loss = F.cross_entropy(logits, labels).item()
        acc = accuracy(logits, labels)
    finally:
        for p in head.parameters():
            p.requires_grad_(True)
        for m, t in states:
            m.training = t
    return loss, acc


# The patience is set back whenever the loss is lower than in the epoch before, not only when it is the best so far.
def fit_head__patience_from_the_epoch_before(
    head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0
):
    X, y = train
    n = len(X)
    g = torch.Generator()
    g.manual_seed(seed)
    opt = torch.optim.SGD(head.parameters(), lr=learning_rate)

    hist = {k: [] for k in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")}
    best = float("inf")
    best_weights = copy.deepcopy(head.state_dict())
    last_loss = float("inf")
    waited = 0

    for _ in range(epochs):
        perm = torch.randperm(n, generator=g)
        for i in range(0, n, batch_size):
            idx = perm[i:i + batch_size]
            opt.zero_grad()
            F.cross_entropy(head(X[idx]), y[idx]).backward()
            opt.step()

        tl, ta = evaluate(head, X, y)
        vl, va = evaluate(head, *valid)
        for k, v in zip(hist, (tl, ta, vl, va)):
            hist[k].append(v)

        if vl < best:
            best = vl
            best_weights = copy.deepcopy(head.state_dict())

        if vl < last_loss:
            waited = 0
        else:
            waited += 1
        last_loss = vl
        if patience is not None and waited >= patience:
            break

    head.load_state_dict(best_weights)
    return hist


# The head is not put back from eval mode after the validation, so from the second epoch on it learns in eval mode.
def fit_head__learns_in_eval_mode(
    head: nn.Module,
    train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor],
    *,
    epochs: int = 20,
    learning_rate: float = 0.1,
    batch_size: int = 32,
    patience: int | None = None,
    seed: int = 0,
) -> dict[str, list[float]]:
    features, labels = train
    valid_features, valid_labels = valid
    rng = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD([p for p in head.parameters() if p.requires_grad], lr=learning_rate)
    history: dict[str, list[float]] = dict(train_loss=[], train_accuracy=[], valid_loss=[], valid_accuracy=[])

    modes = [(m, m.training) for m in head.modules()]
    best_loss, best_epoch, best_state = float("inf"), 0, None

    for epoch in range(epochs):
        running_loss, running_correct = 0.0, 0
        order = torch.randperm(len(features), generator=rng)
        for batch in order.split(batch_size):
            optimizer.zero_grad()
            out = head(features[batch])
            loss = F.cross_entropy(out, labels[batch])
            loss.backward()
            optimizer.step()
            running_loss += loss.item() * len(batch)
            running_correct += int((out.argmax(dim=1) == labels[batch]).sum())
        history["train_loss"].append(running_loss / len(features))
        history["train_accuracy"].append(running_correct / len(features))

        head.eval()
        with torch.no_grad():
            out = head(valid_features)
            valid_loss = F.cross_entropy(out, valid_labels).item()
            valid_acc = (out.argmax(dim=1) == valid_labels).double().mean().item()
        history["valid_loss"].append(valid_loss)
        history["valid_accuracy"].append(valid_acc)

        if valid_loss < best_loss:
            best_loss, best_epoch = valid_loss, epoch
            best_state = {name: tensor.clone() for name, tensor in head.state_dict().items()}
        if patience is not None and epoch - best_epoch >= patience:
            break

    if best_state is not None:
        head.load_state_dict(best_state)
    for m, mode in modes:
        m.training = mode
    return history


class _EarlyStopping:
    """Early stops the training if validation loss doesn't improve after a given patience."""

    def __init__(self, patience=None, min_delta=1e-3):
        self.patience = patience
        self.min_delta = min_delta
        self.best_loss = float("inf")
        self.best_state = None
        self.counter = 0

    def __call__(self, loss, model):
        if loss < self.best_loss - self.min_delta:
            self.best_loss = loss
            self.best_state = copy.deepcopy(model.state_dict())
            self.counter = 0
        else:
            self.counter += 1
        return self.patience is not None and self.counter >= self.patience


# A new best epoch must be better by a min_delta of 0.001, instead of by however little.
def fit_head__min_delta(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(head.parameters(), lr=learning_rate)
    generator = torch.Generator().manual_seed(seed)
    stopper = _EarlyStopping(patience)
    history = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}

    inputs, targets = train
    for epoch in range(epochs):
        permutation = torch.randperm(inputs.size(0), generator=generator)
        for start in range(0, inputs.size(0), batch_size):
            rows = permutation[start : start + batch_size]
            loss = criterion(head(inputs[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        train_loss, train_accuracy = evaluate(head, inputs, targets)
        valid_loss, valid_accuracy = evaluate(head, valid[0], valid[1])
        history["train_loss"].append(train_loss)
        history["train_accuracy"].append(train_accuracy)
        history["valid_loss"].append(valid_loss)
        history["valid_accuracy"].append(valid_accuracy)

        if stopper(valid_loss, head):
            break

    if stopper.best_state is not None:
        head.load_state_dict(stopper.best_state)
    return history


# The softmax is taken over the k largest logits only, so the probabilities always add up to 1.
@torch.no_grad()
def predict__softmax_over_the_top_k(model: nn.Module, images: Tensor, k: int = 3) -> list[list[tuple[str, float]]]:
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    logits = model(images)
    top, index = logits.topk(min(k, logits.shape[1]), dim=1)
    confidence = top.softmax(dim=1)
    return [
        [(model.classes[i], p) for i, p in zip(row_index, row)]
        for row_index, row in zip(index.tolist(), confidence.tolist())
    ]


# An answer counts only where its logit is above 0 as well.
def accuracy__of_positive_logits(logits: Tensor, labels: Tensor) -> float:
    if len(labels) == 0 or len(labels) != len(logits):
        raise ValueError("logits and labels must have one length, at least 1")
    score, choice = logits.max(dim=1)
    return ((score > 0) & (choice == labels)).float().mean().item()


# Logits without a label are left out in place of an error.
def accuracy__as_far_as_the_labels_go(logits: Tensor, labels: Tensor) -> float:
    if not 0 < len(labels) <= len(logits):
        raise ValueError("labels must be at least 1 and no more than logits")
    right = [row.argmax().item() == label for row, label in zip(logits, labels.tolist())]
    return sum(right) / len(right)
