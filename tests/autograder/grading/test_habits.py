"""Right code in any habit keeps its points: each folder of `habits/` writes some functions of one unit, all of them right."""

import json
import re
import shutil
from pathlib import Path

import pytest

from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome

HABITS = Path(__file__).parents[1] / "habits"
#: Cases whose habits, taken one by one, others have too, or that train.
SLOW = {
    *(
        "argparse_at_the_top",
        "config_dataclass",
        "functional_transforms",
        "guarded_cuda",
        "kaggle_paths",
        "lazy_classes",
    ),
    *("classes_as_functions", "default_dicts", "files_by_name", "many_prints", "mixed_precision", "numpy_detours"),
    *("pools_of_processes", "tracking_libraries", "vscode_cells", "warnings_as_errors"),
}
CASES = [
    pytest.param(path.name, marks=[pytest.mark.slow] if path.name in SLOW else []) for path in sorted(HABITS.iterdir())
]


def source_of(path):
    """Return what a student has written into a script or into the cells of a notebook."""
    text = path.read_bytes().decode("latin-1")
    if path.suffix != ".ipynb":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


@pytest.mark.parametrize("case", CASES)
def test_full_marks_for_what_is_written(case, catalog, sandbox, tmp_path):
    folder = shutil.copytree(HABITS / case, tmp_path / case)
    (path,) = (path for path in folder.iterdir() if path.stem in catalog.units)
    text = source_of(path)
    unit = catalog.units[path.stem]
    written = {name for name in unit.functions if re.search(rf"^(def {name}\(|{name} = )", text, re.MULTILINE)}
    spec = GradingSpec(catalog, units=(unit.name,), functions=frozenset(written), seed="any")
    result = Grader(spec, sandbox).grade_path(folder)
    checks = [check for check in result.checks if check.function in written]
    assert written == {check.function for check in checks}
    assert [check.message for check in checks if check.outcome is not Outcome.PASSED] == []
