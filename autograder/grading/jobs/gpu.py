"""How many jobs a GPU has room for: each has one worker at a time, and each worker opens CUDA for itself."""

import subprocess

from autograder.errors import UsageError

#: What a worker may need: CUDA's own context, and the networks and images of a check.
WORKER_MB = 2048
_ASK = ("nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits")
_SECONDS = 30


def jobs_that_fit(jobs: int) -> int:
    """So many of these jobs as have room on the first GPU at once.

    Raises:
        UsageError: there is none, it cannot be asked, or it has no room for one.
    """
    try:
        said = subprocess.run(_ASK, capture_output=True, text=True, timeout=_SECONDS, check=True).stdout
        free = int(said.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise UsageError(
            f"--device cuda: {_ASK[0]} tells of no GPU on this machine ({error}); leave the option out"
        ) from error
    if free < WORKER_MB:
        needed = f"a submission is given {WORKER_MB} MB"
        raise UsageError(
            f"--device cuda: {free} MB of the GPU's memory are free, and {needed}; end what else runs there"
        )
    return min(jobs, free // WORKER_MB)
