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
