"""Plants files that pytest, Python and pip read by themselves: conftest.py, pytest.ini, sitecustomize.py, a .pth."""

import sys


def variation_loss(images):
    planted = {"conftest", "sitecustomize", "usercustomize"} & sys.modules.keys()
    raise RuntimeError(f"{planted} has run" if planted else "nothing that was planted has run")
