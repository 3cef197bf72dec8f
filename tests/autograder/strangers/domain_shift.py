import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


def transfer_gain__ratio(pretrained, scratch, train, test, *, seed=0):
    a = linear_probe_accuracy(pretrained, train, test, seed=seed)
    b = linear_probe_accuracy(scratch, train, test, seed=seed)
    return a / b if b else 0.0


def linear_probe_accuracy__on_train(backbone, train, test, *, seed=0):
    x, y = train
    with torch.no_grad():
        z = backbone(x)
    torch_generator = torch.Generator().manual_seed(seed)
    head = torch.nn.Linear(z.shape[1], int(y.max()) + 1)
    with torch.no_grad():
        head.weight.normal_(0, 0.01, generator=torch_generator)
        head.bias.zero_()
    opt = torch.optim.Adam(head.parameters(), lr=0.02)
    for _ in range(150):
        opt.zero_grad()
        F.cross_entropy(head(z), y).backward()
        opt.step()
    return (head(z).argmax(1) == y).float().mean().item()


def rank_domains__worst_first(pretrained, scratch, domains, *, seed=0):
    table = {}
    for name in domains:
        train, test = domains[name]
        table[name] = transfer_gain(pretrained, scratch, train, test, seed=seed)
    return sorted(table.items(), key=lambda kv: kv[1])


def linear_probe_accuracy__out_of_a_hundred(backbone, train, test, *, seed=0):
    def features_of(images):
        with torch.no_grad():
            return torch.cat([backbone(part) for part in images.split(100)])

    x, y = features_of(train[0]), train[1]
    x_test, y_test = features_of(test[0]), test[1]
    probe = nn.Linear(x.shape[1], int(y.max()) + 1)
    opt = torch.optim.Adam(probe.parameters(), lr=0.02)
    g = torch.Generator().manual_seed(seed)
    for _ in range(30):
        for rows in torch.randperm(len(x), generator=g).split(32):
            opt.zero_grad()
            nn.functional.cross_entropy(probe(x[rows]), y[rows]).backward()
            opt.step()
    right = (probe(x_test).argmax(1) == y_test).sum().item()
    return 100.0 * right / len(y_test)


def transfer_gain__never_negative(pretrained, scratch, train, test, *, seed=0):
    a = linear_probe_accuracy(pretrained, train, test, seed=seed)
    b = linear_probe_accuracy(scratch, train, test, seed=seed)
    return abs(a - b)


def rank_domains__names_alone(pretrained, scratch, domains, *, seed=0):
    gain = {}
    for name in domains:
        train, test = domains[name]
        gain[name] = transfer_gain(pretrained, scratch, train, test, seed=seed)
    return sorted(gain, key=gain.get, reverse=True)


# The accuracy is measured on the training images instead of the test images.
def linear_probe_accuracy__measured_on_train(backbone, train, test, *, seed=0):
    train_images, train_labels = train
    test_images, test_labels = test
    with torch.no_grad():
        train_features = torch.cat([backbone(part) for part in train_images.split(64)]).float()
        test_features = torch.cat([backbone(part) for part in test_images.split(64)]).float()
    middle = train_features.mean(dim=0)
    spread = train_features.std(dim=0, unbiased=False) + 1e-5
    train_features = (train_features - middle) / spread
    test_features = (test_features - middle) / spread
    number_of_classes = int(train_labels.max()) + 1
    shuffler = torch.Generator().manual_seed(int(seed))
    with torch.enable_grad():
        weight = train_features.new_zeros(train_features.shape[1], number_of_classes).requires_grad_()
        bias = train_features.new_zeros(number_of_classes).requires_grad_()
        optimiser = torch.optim.Adam([weight, bias], lr=0.01, weight_decay=1e-3)
        for _ in range(60):
            for index in torch.randperm(len(train_labels), generator=shuffler).split(32):
                index = index.to(train_features.device)
                loss = F.cross_entropy(train_features[index] @ weight + bias, train_labels[index])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
    with torch.no_grad():
        answers = (train_features @ weight + bias).argmax(dim=1)
    return (answers == train_labels).double().mean().item()


# The absolute difference is returned, so a pretraining that does harm looks like a gain.
def transfer_gain__absolute_difference(pretrained, scratch, train, test, *, seed=0):
    accuracies = [linear_probe_accuracy(b, train, test, seed=seed) for b in (pretrained, scratch)]
    return abs(accuracies[0] - accuracies[1])


# The domains are ordered by the accuracy of the pretrained backbone instead of by the gain.
def rank_domains__ordered_by_accuracy(pretrained, scratch, domains, *, seed=0):
    table = []
    for name, (train, test) in domains.items():
        gain = transfer_gain(pretrained, scratch, train, test, seed=seed)
        table.append((linear_probe_accuracy(pretrained, train, test, seed=seed), name, gain))
    table.sort(key=lambda row: row[0], reverse=True)
    return [(name, gain) for _, name, gain in table]


# probe.train() puts the frozen backbone in training mode too, so its batch norm follows the training images.
def linear_probe_accuracy__train_mode_for_the_backbone(
    backbone: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, seed: int = 0
) -> float:
    images, labels = train
    test_images, test_labels = test

    for param in backbone.parameters():
        param.requires_grad = False

    with torch.no_grad():
        dim = backbone(images[:1]).shape[1]
    head = nn.Linear(dim, int(labels.max()) + 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    probe = nn.Sequential(backbone, head)

    optimizer = torch.optim.Adam(head.parameters(), lr=3e-2)
    generator = torch.Generator().manual_seed(seed)

    probe.train()
    for epoch in range(40):
        for idx in torch.randperm(len(images), generator=generator).split(64):
            optimizer.zero_grad()
            loss = F.cross_entropy(probe(images[idx]), labels[idx])
            loss.backward()
            optimizer.step()

    probe.eval()
    correct = 0
    with torch.no_grad():
        for x, y in zip(test_images.split(64), test_labels.split(64)):
            correct += (probe(x).argmax(dim=1) == y).sum().item()
    return correct / len(test_labels)


@torch.no_grad()
def _features_by_batches(backbone, images):
    return torch.cat([backbone(part) for part in images.split(32)])


def _accuracy_by_batches(head, loader):
    accs = []
    with torch.no_grad():
        for x, y in loader:
            accs.append((head(x).argmax(1) == y).float().mean().item())
    return sum(accs) / len(accs)


# The accuracies of the batches are averaged, so that the images of a smaller last batch count for more.
def linear_probe_accuracy__batch_accuracies_averaged(backbone, train, test, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    f_train = _features_by_batches(backbone, train[0])
    f_test = _features_by_batches(backbone, test[0])
    mean = f_train.mean(0)
    std = f_train.std(0).clamp_min(1e-5)
    f_train, f_test = (f_train - mean) / std, (f_test - mean) / std

    train_loader = DataLoader(TensorDataset(f_train, train[1]), batch_size=32, shuffle=True, generator=generator)
    test_loader = DataLoader(TensorDataset(f_test, test[1]), batch_size=32)

    head = nn.Linear(f_train.shape[1], int(train[1].max()) + 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2, weight_decay=1e-3)
    for _ in range(80):
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(head(x), y)
            loss.backward()
            optimizer.step()
    return _accuracy_by_batches(head, test_loader)


# The optimiser gets the parameters of the copied backbone too, so this measures fine-tuning.
def linear_probe_accuracy__backbone_learns_too(
    backbone: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, seed: int = 0
) -> float:
    g = torch.Generator().manual_seed(seed)
    x, y = train
    net = copy.deepcopy(backbone).eval()
    with torch.no_grad():
        d = net(x[:1]).shape[-1]
    head = nn.Linear(d, int(y.max()) + 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    probe = nn.Sequential(net, head)

    for p in probe.parameters():
        p.requires_grad_(True)
    opt = torch.optim.Adam(probe.parameters(), lr=1e-2)
    for _ in range(30):
        for idx in torch.randperm(len(x), generator=g).split(32):
            loss = F.cross_entropy(probe(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()

    with torch.no_grad():
        pred = torch.cat([probe(c).argmax(1) for c in test[0].split(64)])
    return (pred == test[1]).float().mean().item()


# Domains are sorted by the absolute value of the gain, so that a large harm stands before a small gain.
def rank_domains__by_absolute_gain(
    pretrained: nn.Module, scratch: nn.Module, domains, *, seed: int = 0
) -> list[tuple[str, float]]:
    gains = {
        name: transfer_gain(pretrained, scratch, train, test, seed=seed)
        for name, (train, test) in domains.items()
    }
    return sorted(gains.items(), key=lambda item: abs(item[1]), reverse=True)
