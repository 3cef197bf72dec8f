"""`--device`: the student's code computes elsewhere, the checks do not know."""

import pytest
import torch

from autograder.errors import RefusedValue, UsageError
from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.worker.calls import has_data, place, refuse_elsewhere
from autograder.worker.serving import warm_up

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")


def test_what_has_data():
    assert has_data([(1.0, {"images": torch.zeros(1)}), {}])
    assert has_data([(), {"model": torch.nn.Linear(1, 1)}])
    assert not has_data([(1, "text", [torch.Generator()]), {}])


def test_the_cpu_needs_nothing_moved():
    values = [torch.zeros(2), {"x": torch.Generator()}]
    assert place(values, "cpu", True) is values


def test_an_answer_on_another_device_is_refused_by_name():
    refuse_elsewhere([torch.zeros(1), 3.0], "cpu")
    with pytest.raises(RefusedValue, match="a tensor on cpu, expected it on the device of the input, cuda"):
        refuse_elsewhere({"image": (torch.zeros(1),)}, "cuda")


def test_an_unknown_device(student_pytest):
    run = student_pytest("exercises/variation_loss.py", "--device", "gpu")
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "--device gpu: no such device; it is one of cpu, cuda" in run.text


@no_gpu
def test_without_a_gpu_the_student_is_told(student_pytest):
    run = student_pytest("exercises/variation_loss.py", "--device", "cuda")
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "PyTorch finds no CUDA device on this machine; leave the option out" in run.text


@gpu
def test_on_a_gpu_the_solutions_pass(student_pytest):
    run = student_pytest("solutions", "--device", "cuda")
    assert run.code == 0, run.text


@gpu
def test_on_a_gpu_generators_go_with_tensors_only():
    generator = torch.Generator().manual_seed(3)
    assert place([torch.zeros(1), generator], "cuda", True)[1].device.type == "cuda"
    assert place([generator], "cuda", False)[0].device.type == "cpu"


@gpu
def test_on_a_gpu_a_generator_draws_the_same_from_the_same_state_and_something_else_from_another():
    def draws(generator):
        return torch.rand(9, generator=place(generator, "cuda", True), device="cuda")

    moved_on = torch.Generator().manual_seed(3)
    torch.rand(1, generator=moved_on)
    same, again, other = (
        draws(torch.Generator().manual_seed(3)),
        draws(torch.Generator().manual_seed(3)),
        draws(moved_on),
    )
    assert torch.equal(same, again) and not torch.equal(same, other)


def test_a_process_that_will_be_forked_computes_no_gradients_where_there_is_a_gpu(monkeypatch):
    """PyTorch refuses to compute any in its children then, and right work would fail on a machine for the GPU that it has."""
    computed = []
    monkeypatch.setattr(torch.Tensor, "backward", lambda loss: computed.append(loss))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    threads = torch.get_num_threads()
    warm_up()
    assert computed == []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.optim.Optimizer, "step", lambda _: None)
    warm_up()
    torch.set_num_threads(threads)
    assert len(computed) == 1


@no_gpu
def test_without_a_gpu_nothing_is_graded(catalog, sandbox):
    with pytest.raises(UsageError, match="PyTorch finds no CUDA device"):
        Grader(GradingSpec(catalog, device="cuda"), sandbox)
