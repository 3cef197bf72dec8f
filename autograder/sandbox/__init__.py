"""The sandbox: workers in processes of their own, forked from a warm server, limited, watched and killed.

with Sandbox(preload=("torch", "data")) as sandbox, sandbox.worker() as worker:
    reply = worker.exchange(request, seconds=10)
"""

from autograder.sandbox.confines import Allowance
from autograder.sandbox.process import Worker
from autograder.sandbox.sandbox import EXTRAS, REQUIRED, Sandbox

__all__ = ["EXTRAS", "REQUIRED", "Allowance", "Sandbox", "Worker"]
