"""A failed check says at which line of the student's file to look: what an editor or a pull request shows beside it."""

import pytest


@pytest.fixture
def line_of(student_pytest, handin):
    def line_of(code, check="test_variation_loss_is_a_scalar"):
        run = student_pytest(handin(variation_loss=code) / "variation_loss.py", "-k", check)
        return run.checks[f"variation_loss::{check}"].line

    return line_of


def test_an_exception_has_its_own_line(line_of):
    assert (
        line_of("import torch\n\n\ndef variation_loss(images):\n    images = images + 1\n    return images.nothing\n")
        == 6
    )


def test_a_wrong_answer_has_the_line_where_the_function_begins(line_of):
    assert line_of("import torch\n\n\ndef variation_loss(images):\n    return images\n") == 4


@pytest.mark.parametrize("code", ["x = 3\n", "def variation_loss(images:\n"])
def test_without_the_function_there_is_no_line(line_of, code):
    assert line_of(code) == 0


def test_a_line_that_is_none_of_the_file_is_not_taken(line_of):
    """Code that was compiled under the file's own name may say any number."""
    forged = 'exec(compile("\\n" * 999 + "def variation_loss(images):\\n    return 1 / 0\\n", __file__, "exec"))\n'
    assert line_of(forged) == 0
