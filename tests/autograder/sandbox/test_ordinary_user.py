"""The sandbox for an ordinary user: most rungs hold, and nothing in the corpus of hostile submissions comes through."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.sandbox import kernel
from autograder.sandbox.kernel import reason_against

ROOT = Path(__file__).parents[3]
ORDINARY = Path(__file__).with_name("ordinary_user.py")
needs_root = os.geteuid() != 0 or reason_against(lambda: kernel.unshare(kernel.CLONE_NEWNS))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(needs_root), reason="only root can become another user; an ordinary one is tested as it is"
    ),
]


def as_ordinary_user(*command):
    return subprocess.run(
        [sys.executable, ORDINARY, sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )


def test_untrusted_work_can_be_graded():
    ran = as_ordinary_user("autograder", "doctor")
    assert "x own_uid            missing: only root can give each worker a user of its own" in ran.stdout
    assert "+ seccomp" in ran.stdout and "Untrusted work can be graded here." in ran.stdout
    assert ran.returncode == 0


def test_the_ladder_and_the_corpus():
    tests = [
        f"tests/autograder/sandbox/test_{name}"
        for name in ("isolation.py", "hostile.py::test_it_gains_nothing_and_harms_nobody")
    ]
    ran = as_ordinary_user("pytest", *tests, "-m", "", "-q", "-p", "no:cacheprovider")
    assert ran.returncode == 0, ran.stdout[-5000:]
    assert int(re.search(r"(\d+) passed", ran.stdout)[1]) > 100
