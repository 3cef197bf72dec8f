import torch
import torch.nn.functional as F


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
