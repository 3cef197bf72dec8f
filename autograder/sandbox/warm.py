"""First calls of torch that import or set up things: made once in a process from which others are forked."""

import torch
from torch import nn
from torch.nn import functional


def warm_up() -> None:
    """Forward, backward and a step of the usual optimizers, in one thread."""
    torch.set_num_threads(1)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        steps = optimizer(net.parameters(), lr=0.1)
        functional.cross_entropy(net(torch.zeros(2, 3, 8, 8)), torch.tensor([0, 1])).backward()  # type: ignore[no-untyped-call]
        steps.step()
