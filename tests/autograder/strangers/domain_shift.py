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
