"""Pages show what a submission's own functions make: drawn in the sandbox, of what was graded and of nothing else."""

import io
from pathlib import Path

import pytest
from PIL import Image

from autograder.grading.grade import Grader
from autograder.grading.source import GradedWork
from autograder.grading.spec import GradingSpec
from autograder.results.formats.pages import student_page
from autograder.results.mark import mark
from autograder.student.drawing import pictures_of

SUBMISSIONS = Path(__file__).parents[1] / "samples"


@pytest.fixture(scope="module")
def result(catalog, sandbox):
    """A unit that passes, and one that does not."""
    units = ("variation_loss", "adversarial_attack")
    functions = frozenset({"total_variation", "isotropic_variation", "variation_loss", "denoise", "success_rate"})
    return Grader(GradingSpec(catalog, units=units, functions=functions), sandbox).grade_path(SUBMISSIONS / "one_unit")


def test_a_unit_that_passes_has_its_picture(result, catalog, sandbox):
    drawn = pictures_of(result, GradedWork([SUBMISSIONS / "one_unit"], catalog).find(result), catalog, sandbox.worker)
    assert list(drawn) == ["variation_loss"]
    with Image.open(io.BytesIO(drawn["variation_loss"].png)) as image:
        assert image.width > 300
    shown = {unit: [each] for unit, each in drawn.items()}
    assert f'alt="{drawn["variation_loss"].caption}"' in student_page(mark(result), catalog, pictures=shown)


def test_another_submission_has_none(result, catalog):
    assert GradedWork([SUBMISSIONS / "perfect"], catalog).find(result) is None
