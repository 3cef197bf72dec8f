"""Grading on a GPU: how many fit, and what is said where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autograder.errors import UsageError
from autograder.grading.jobs import WORKER_MB, jobs_that_fit
from tests.autograder.small_course import RIGHT, make_class, make_course


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """A program of that name which says this."""

    def says(text, code=0):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\nprintf '{text}'\nexit {code}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return says


@pytest.mark.parametrize(
    ("free", "jobs", "fit"),
    [(WORKER_MB, 8, 1), (2 * WORKER_MB - 1, 8, 1), (2 * WORKER_MB, 8, 2), (100 * WORKER_MB, 8, 8)],
)
def test_as_many_jobs_as_the_memory_of_the_first_gpu_has_room_for(nvidia_smi, free, jobs, fit):
    nvidia_smi(f"{free}\\n1\\n")
    assert jobs_that_fit(jobs) == fit


def test_no_room_for_one_is_a_sentence(nvidia_smi):
    nvidia_smi(f"{WORKER_MB - 1}\\n")
    with pytest.raises(UsageError, match=r"2047 MB of the GPU's memory are free, and a submission is given 2048 MB"):
        jobs_that_fit(4)


@pytest.mark.parametrize(("text", "code"), [("", 9), ("No devices were found", 0), ("", 0)])
def test_a_gpu_that_cannot_be_asked_is_none(nvidia_smi, text, code):
    nvidia_smi(text, code)
    with pytest.raises(UsageError, match="nvidia-smi tells of no GPU on this machine"):
        jobs_that_fit(4)


def grade_on_gpu(tmp_path):
    course = make_course(tmp_path / "course")
    make_class(tmp_path / "class", 4, ("right", "half"))
    (tmp_path / "class" / "hogs").mkdir()
    hog = f"import torch\nheld = torch.empty(2**30, device='cuda')\n{RIGHT}" if torch.cuda.is_available() else RIGHT
    (tmp_path / "class" / "hogs" / "doubling.py").write_text(hog)
    command = [
        sys.executable,
        "-m",
        "autograder",
        "grade",
        tmp_path / "class",
        "-o",
        tmp_path / "out",
        "--device",
        "cuda",
    ]
    env = {**os.environ, "IDEALCAT_SECRET": "x", "COLUMNS": "200"}
    return subprocess.run(command, cwd=course, env=env, capture_output=True, text=True, timeout=500)


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="here is a GPU")
def test_without_a_gpu_nothing_is_graded_and_the_cpu_is_not_used_instead(tmp_path):
    ended = grade_on_gpu(tmp_path)
    assert ended.returncode == 2
    assert "--device cuda: nvidia-smi tells of no GPU on this machine" in ended.stderr
    assert "leave the option out" in ended.stderr and "Traceback" not in ended.stderr
    assert not Path(tmp_path / "out" / "results").exists()


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device on this machine")
def test_on_a_gpu_the_marks_are_the_same_and_its_memory_is_free_afterwards(tmp_path):
    ask = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    before = int(subprocess.check_output(ask, text=True).split()[0])
    ended = grade_on_gpu(tmp_path)
    assert ended.returncode == 1, ended.stderr
    for name, points in {"s000_right": "3.0", "s001_half": "2.0", "hogs": "3.0"}.items():
        text = (tmp_path / "out" / "results" / f"{name}.json").read_text()
        assert f'"score": {points}' in text and '"device": "cuda"' in text
    assert int(subprocess.check_output(ask, text=True).split()[0]) - before < 500
