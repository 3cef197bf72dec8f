"""Imports that leave out what is seldom used: nothing that is computed differs from what torch gives by itself.

Each in a process of its own: here torch has been imported whole.
"""

import subprocess
import sys

import pytest

USES = {
    "a decomposition": "torch.linalg.svd(torch.empty(2, 3, device='meta')).S.shape",
    "a model": "torch.nn.Conv2d(3, 4, 3, device='meta')(torch.empty(1, 3, 8, 8, device='meta')).shape",
    "no such function": "torch.nonzero(torch.empty(2, device='meta'))",
    "no data": "torch.empty(2, device='meta').tolist()",
    "forward derivatives": "torch.func.jvp(lambda x: F.layer_norm(x, (3,)), (torch.ones(2, 3),), (torch.eye(2, 3),))",
    "a generator": "(type(torch.Generator), torch.rand(2, generator=torch.Generator().manual_seed(1)))",
    "its module": "torch._meta_registrations.device_hint(torch.empty(2, device='meta'))",
}
SLOW_USES = {
    "second derivatives": "torch.func.hessian(lambda x: (x**3).sum())(torch.ones(2))",
    "batches": "torch.vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3))",
    "fakes": "torch._subclasses.FakeTensorMode().from_tensor(torch.ones(2, 3)).svd().S.shape",
    "compiled": "torch.compile(lambda x: x.sin(), backend='eager')(torch.ones(2))",
    "exported": "str(torch.export.export(torch.nn.Linear(2, 3), (torch.zeros(1, 2),)).graph)",
    "references": "torch._refs.sin(torch.ones(2))",
    "primitives": "torch._prims.sin(torch.ones(2))",
    "decompositions": "len(torch._decomp.decomposition_table)",
}
PLAIN = """
import torch, torch.nn.functional as F, sys
for name in ("_decomp", "_refs", "_prims"):
    if f"torch.{{name}}" in {expression!r}:
        __import__(f"torch.{{name}}")
try:
    print({expression})
except Exception as error:
    print(type(error), error)
"""
QUICK = """
import sys
from autograder.worker.quick_imports import quicken
quicken()
quicken()
import torch
left_out = {"torch._decomp", "torch._refs", "torch._prims", "torch._dynamo"} - sys.modules.keys()
assert len(left_out) == (4 if torch.__version__.startswith("2.15.") else 1)
"""


def printed(code):
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_torch_knows_meta_tensors_when_they_are_first_used():
    """One process for each way; the uses one after another."""
    uses = "".join(PLAIN.format(expression=expression) for expression in USES.values())
    assert printed(QUICK + uses) == printed(uses)


@pytest.mark.slow
def test_an_untried_version_is_imported_whole():
    """Modules that need a part which is left out differ from version to version."""
    untried = "import autograder.worker.quick_imports as quick_imports\nquick_imports._TRIED = ('9.9.',)\n"
    imports = QUICK.partition("left_out")[0]
    assert printed(f"{untried}{imports}print('torch._decomp' in sys.modules)") == "True\n"


@pytest.mark.slow
@pytest.mark.parametrize("use", [*USES, *SLOW_USES])
def test_torch_computes_what_it_computes_by_itself(use):
    """Each use is the first in its process."""
    code = PLAIN.format(expression={**USES, **SLOW_USES}[use])
    assert printed(QUICK + code) == printed(code)


TORCHVISION = """
import sys, torch
from autograder.worker.quick_imports import quicken

quicken()
quicken()
import torchvision
assert "torch._dynamo" not in sys.modules and "sympy" not in sys.modules
maps, boxes = torch.rand(1, 2, 8, 8), [torch.tensor([[0.0, 0.0, 4.0, 4.0]])]
assert torchvision.ops.roi_align(maps, boxes, 2).shape == (1, 2, 2, 2)
from torchvision.ops.roi_align import is_compile_supported
assert is_compile_supported("cpu") == torch._dynamo.utils.is_compile_supported("cpu")
assert not is_compile_supported("meta") and torch._dynamo.utils.__file__
"""


@pytest.mark.slow
def test_torchvision_asks_the_compiler_later():
    """In a process of its own: here something may have been compiled before."""
    subprocess.run([sys.executable, "-c", TORCHVISION], check=True)
