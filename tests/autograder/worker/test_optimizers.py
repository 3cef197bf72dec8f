"""Torch's optimizers, and torchvision, without the compiler, which takes as long to import as torch itself."""

import subprocess
import sys

import pytest

BOTH_WAYS = """
import sys, torch
from autograder.worker.serving import warm_up

KINDS = [kind for kind in vars(torch.optim).values() if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)]

def trained(kind, **options):
    torch.manual_seed(1)
    net = torch.nn.Linear(3, 2, bias=False)  # Muon takes matrices alone
    optimizer = kind(net.parameters(), lr=0.1, **options)
    def loss():
        optimizer.zero_grad()
        made = (net(torch.ones(4, 3)) - 1).square().sum()
        made.backward()
        return made
    for _ in range(3):
        optimizer.step(loss)
    optimizer.load_state_dict(optimizer.state_dict())
    return net.weight.detach().clone()

def every():
    plain = [kind for kind in KINDS if kind not in (torch.optim.Optimizer, torch.optim.SparseAdam)]
    return [trained(kind) for kind in plain] + [trained(torch.optim.SGD, momentum=0.9, nesterov=True)]

def differentiable():
    weight = torch.ones(2, requires_grad=True)
    copy = weight * 1
    copy.grad = weight * 2
    torch.optim.SGD([copy.detach().requires_grad_()], lr=0.1)
    optimizer = torch.optim.SGD([weight], lr=0.1, differentiable=True)
    optimizer.param_groups[0]["params"] = [copy]
    optimizer.step()
    return copy.requires_grad, torch.is_grad_enabled()

kept = {kind: dict(vars(kind)) for kind in KINDS}
warm_up()
without = every(), differentiable()
assert "torch._dynamo" not in sys.modules and "sympy" not in sys.modules
for kind in KINDS:  # back to how torch has them
    for name, function in kept[kind].items():
        if callable(function):
            setattr(kind, name, function)
before = every(), differentiable()
assert "torch._dynamo" in sys.modules
assert all(map(torch.equal, without[0], before[0])) and without[1] == before[1] == (True, True)
"""


@pytest.mark.slow
def test_optimizers_step_without_the_compiler_and_to_the_same_weights():
    """In a process of its own: here something may have been compiled before."""
    subprocess.run([sys.executable, "-c", BOTH_WAYS], check=True)
