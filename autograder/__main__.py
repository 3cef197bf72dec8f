"""`python -m autograder`, the same as the `autograder` command."""

import sys

if not sys.flags.safe_path:
    # `-m` puts the working directory first on the path: it may be a student's, with a `random.py` in it.
    del sys.path[0]

from autograder.cli import main

main()
