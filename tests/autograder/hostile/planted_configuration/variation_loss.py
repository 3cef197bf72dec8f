"""Plants files that pytest, Python and pip read by themselves: conftest.py, pytest.ini, sitecustomize.py, a .pth."""

import sys


def variation_loss(images):
    # Debian's Python comes with a sitecustomize of its own.
    planted = [
        name
        for name in ("conftest", "sitecustomize", "usercustomize")
        if name in sys.modules and not str(sys.modules[name].__file__).startswith(sys.base_prefix)
    ]
    raise RuntimeError(f"{planted} has run" if planted else "nothing that was planted has run")
