"""What a student wrote beside the units is taken along: files, folders of modules, cells that write a file."""

import importlib
import sys
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.submissions import collect_hand_in, parse_submission, read_helpers, read_module
from autograder.submissions.intake import take_in
from autograder.worker.importing import importable
from autograder.worker.modules import LoadedModule
from tests.autograder.handed_in import collect_submission, read_submission

UNITS = ["variation_loss"]
UNIT = "from helpers.dims import last\n\ndef denoise():\n    return last()\n"
FILES = {
    "variation_loss.py": UNIT,
    "helpers/dims.py": "from .deep.more import two\nfrom . import other\ndef last(): return two + other.ONE\n",
    "helpers/other.py": "ONE = 1\n",
    "helpers/deep/more.py": "from ..base import two\n",
    "helpers/base.py": "two = 2\n",
    "helpers/scratch.py": "1 / 0\n",
}
TAKEN = "taken along: helpers/base.py, helpers/deep/more.py, helpers/dims.py, helpers/other.py"


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def answer_of(sources):
    """Return what the unit's `denoise()` returns, as a worker loads it."""
    modules = {name: LoadedModule(name, module.filename, module.text) for name, module in sources.items()}
    with importable(modules):
        return importlib.import_module("variation_loss").denoise()


def test_a_folder_of_modules_is_taken_along(tmp_path):
    found = read_submission(write(tmp_path / "alice", FILES), UNITS)
    assert answer_of(found.sources) == 3
    assert found.notes == (TAKEN,) and found.not_taken == ("helpers/scratch.py",)
    assert found.helpers["helpers.deep.more"].filename == "helpers/deep/more.py"


def test_a_folder_that_a_unit_puts_on_the_path_is_searched(tmp_path):
    unit = "import sys\nsys.path.append('lib')\nfrom dims import last\ndef denoise():\n    return last()\n"
    files = {"variation_loss.py": unit, "lib/dims.py": "def last(): return 3\n", "lib/other.py": "1 / 0\n"}
    folder = write(tmp_path / "alice", files)
    found = read_submission(folder, UNITS)
    assert answer_of(found.sources) == 3
    assert found.notes == ("taken along: dims.py",) and found.not_taken == ("lib/other.py",)
    own = {"variation_loss": read_module(folder / "variation_loss.py", "variation_loss")}
    assert answer_of(own | read_helpers(folder, own)) == 3


@pytest.mark.parametrize("line", ["from {} import dims", "import {}.dims as dims", "from {}.dims import last as three"])
@pytest.mark.parametrize("place", ["src", "my/work"])
def test_the_folder_of_the_unit_may_stand_in_front(tmp_path, line, place):
    package = place.replace("/", ".")
    unit = line.format(package)
    use = "three()" if "three" in unit else "dims.last()"
    files = {
        f"{place}/variation_loss.py": f"{unit}\n\ndef denoise():\n    return {use}\n",
        f"{place}/dims.py": f"from {package}.more import three\ndef last(): return three\n",
        f"{place}/more.py": "three = 3\n",
    }
    found = read_submission(write(tmp_path / "alice", files), UNITS)
    assert answer_of(found.sources) == 3
    assert found.notes == (f"taken along: {place}/dims.py, {place}/more.py",) and not found.not_taken


def test_second_names_take_no_place_of_other_files(tmp_path):
    files = {f"src/a{number}.py": "" for number in range(30)}
    files |= {"src/variation_loss.py": UNIT.replace("helpers", "zoo"), "src/zoo/dims.py": "def last(): return 3\n"}
    assert answer_of(read_submission(write(tmp_path / "alice", files), UNITS).sources) == 3


def test_a_unit_has_the_name_with_its_folder_too(tmp_path):
    files = {
        "src/variation_loss.py": "def smooth(): return 3\ndef denoise(): return smooth()\n",
        "src/ideal_image.py": "from src.variation_loss import smooth\ndef ideal(): return smooth()\n",
    }
    found = read_submission(write(tmp_path / "alice", files), ["variation_loss", "ideal_image"])
    modules = {name: LoadedModule(name, module.filename, module.text) for name, module in found.sources.items()}
    with importable(modules):
        assert importlib.import_module("ideal_image").ideal() == 3


def test_a_package_has_its_own_init(tmp_path):
    files = {
        **FILES,
        "helpers.py": "wrong = 1\n",
        "helpers/__init__.py": "from .dims import last\n",
        "variation_loss.py": UNIT.replace("helpers.dims", "helpers"),
    }
    found = read_submission(write(tmp_path / "alice", files), UNITS)
    assert answer_of(found.sources) == 3 and "helpers/__init__.py" in found.notes[0]


@pytest.mark.parametrize(
    "line",
    [
        "from helpers.dims import last",
        "from exercises.helpers.dims import last",
        "from .helpers.dims import last",
        "import helpers.dims\nlast = helpers.dims.last",
        "from helpers import dims\nlast = dims.last",
        "import importlib\nlast = importlib.import_module('helpers.dims').last",
        "import importlib\nlast = importlib.import_module('.dims', 'exercises.helpers').last",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_however_it_is_imported_and_packed(tmp_path, line, packed):
    path = write(tmp_path / "alice", {**FILES, "variation_loss.py": UNIT.replace(UNIT.splitlines()[0], line)})
    if packed:
        with zipfile.ZipFile(tmp_path / "alice.zip", "w") as archive:
            for each in path.rglob("*.py"):
                archive.write(each, each.relative_to(tmp_path))
        path = tmp_path / "alice.zip"
    assert answer_of(read_submission(path, UNITS).sources) == 3


def test_beside_the_exercises_lies_what_is_imported_from_above(tmp_path):
    files = {
        "exercises/variation_loss.py": "from src.my_utils import last\ndef denoise(): return last\n",
        "src/my_utils.py": "last = 3\n",
    }
    root = write(tmp_path / "alice", files)
    assert answer_of(read_submission(root, UNITS).sources) == 3
    units = {"variation_loss": read_module(root / "exercises/variation_loss.py", "variation_loss")}
    assert answer_of(read_helpers(root / "exercises", units) | units) == 3


def test_a_students_own_run_has_the_same_folders(tmp_path):
    write(tmp_path, FILES)
    units = {"variation_loss": read_module(tmp_path / "variation_loss.py", "variation_loss")}
    helpers = read_helpers(tmp_path, units)
    assert answer_of(helpers | units) == 3
    assert helpers["helpers.dims"].filename == str(tmp_path / "helpers/dims.py")


@pytest.mark.parametrize("name", ["variation_loss.ipynb", "variation_loss.py"])
def test_a_students_own_run_reads_what_a_notebook_writes_as_a_graded_one_does(tmp_path, name):
    cells = ["%%writefile dims.py\ndef last(): return 3", "from dims import last\ndef denoise():\n    return last()"]
    path = tmp_path / name
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), path)
    (tmp_path / "dims.py").write_text("def last(): return 2\n")  # of a cell that was run before it was changed
    units = {"variation_loss": read_module(path, "variation_loss")}
    assert answer_of(read_helpers(tmp_path, units) | units) == 3
    assert answer_of(read_submission(tmp_path, UNITS).sources) == 3


@pytest.mark.parametrize("form", ["folders", "zip", "moodle"])
def test_of_a_class_too(tmp_path, form):
    names = ["Ann Lee_101_assignsubmission_file", "Bo Ek_102_assignsubmission_file"] if form == "moodle" else ["a", "b"]
    root = tmp_path / "class"
    for name in names:
        write(root / name, FILES)
    if form == "zip":
        with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
            for each in root.rglob("*.py"):
                archive.write(each, each.relative_to(root))
        root = tmp_path / "class.zip"
    hand_ins = take_in([root], UNITS).hand_ins
    assert len(hand_ins) == 2
    for name, hand_in in hand_ins.items():
        found = parse_submission(collect_hand_in(hand_in, name, UNITS))
        assert answer_of(found.sources) == 3 and TAKEN in found.notes


@pytest.mark.parametrize("folder", ["torch", "json", "data", "autograder", "solutions"])
def test_no_folder_stands_in_for_a_library_or_for_the_course(tmp_path, folder):
    files = {"variation_loss.py": f"from {folder}.dims import last\n", f"{folder}/dims.py": "last = 1\n"}
    found = read_submission(write(tmp_path / "alice", files), UNITS)
    assert found.helpers == {}
    assert found.notes == (f"{folder}/dims.py was left: `import {folder}.dims` means another module here; rename it",)


@pytest.mark.parametrize("name", ["data", "statistics", "shades"])
def test_a_file_beside_the_unit_that_stands_for_another_module_is_said_to_be_left(tmp_path, name):
    files = {"variation_loss.py": f"from {name} import last\n", f"{name}.py": "last = 1\n"}
    folder = write(tmp_path / "alice", files)
    found = parse_submission(collect_submission(folder, UNITS, reserved=("data", "shades")))
    assert found.helpers == {}
    assert found.notes == (f"{name}.py was left: `import {name}` means another module here; rename it",)


def test_a_folder_of_the_course_is_not_said_to_be_left(tmp_path):
    files = {"exercises/variation_loss.py": "from data import last\n", "data.py": "", "data/__init__.py": "last = 1\n"}
    found = parse_submission(collect_submission(write(tmp_path / "alice", files), UNITS, reserved=("data",)))
    assert found.helpers == {} and found.notes == ()


BY_FILE = """import importlib.util, os
spec = importlib.util.spec_from_file_location("mine", os.path.join(os.path.dirname(__file__), "lib", "dims.py"))
dims = importlib.util.module_from_spec(spec)
spec.loader.exec_module(dims)
def denoise(): return dims.last()
"""


def test_a_module_that_is_imported_by_its_file_is_taken_along(tmp_path):
    files = {"variation_loss.py": BY_FILE, "lib/dims.py": "def last(): return 3\n", "lib/other.py": "1 / 0\n"}
    found = read_submission(write(tmp_path / "alice", files), UNITS)
    assert found.notes == ("taken along: lib/dims.py",)
    assert answer_of(found.sources) == 3


def test_a_module_that_is_imported_by_its_file_is_read_from_there_at_home(tmp_path):
    folder = write(tmp_path / "alice", {"variation_loss.py": BY_FILE, "lib/dims.py": "def last(): return 3\n"})
    units = {"variation_loss": read_module(folder / "variation_loss.py", "variation_loss")}
    assert answer_of(read_helpers(folder, units) | units) == 3


def test_a_package_that_the_course_preloads_is_none_of_the_students_at_home_either(tmp_path):
    files = {"variation_loss.py": "import shades, dims\n", "dims.py": "last = 1\n", "shades.py": "last = 2\n"}
    folder = write(tmp_path / "alice", files)
    units = {"variation_loss": read_module(folder / "variation_loss.py", "variation_loss")}
    assert read_helpers(folder, units).keys() == {"dims", "shades"}
    assert read_helpers(folder, units, ["shades"]).keys() == {"dims"}


def test_a_module_that_is_read_as_a_file_is_said_to_be_left(tmp_path):
    files = {"variation_loss.py": "exec(open('./dims.py').read())\n", "dims.py": "last = 1\n", "other.py": ""}
    found = read_submission(write(tmp_path / "alice", files), UNITS)
    assert found.notes == ("dims.py was left: import it by `import dims`",)


def test_no_folder_stands_in_for_a_unit(tmp_path):
    files = {"variation_loss.py": "from variation_loss.dims import last\n", "variation_loss/dims.py": "last = 1\n"}
    assert collect_submission(write(tmp_path / "alice", files), UNITS).neighbours == {}


@pytest.mark.parametrize(
    "magic", ["%%writefile my_helpers.py", "%%file ./my_helpers.py", '%%writefile "my_helpers.py"']
)
def test_a_module_that_a_cell_writes_is_taken_along(tmp_path, magic):
    cells = [
        f"{magic}\nONE = 1",
        "%%writefile -a my_helpers.py\ndef last(): return ONE + 2",
        "from my_helpers import last",
        "def denoise():\n    return last()",
    ]
    path = tmp_path / "variation_loss.ipynb"
    path.write_text(nbformat.writes(new_notebook(cells=list(map(new_code_cell, cells)))))
    found = parse_submission(collect_submission(path, UNITS), ["denoise"])
    assert answer_of(found.sources) == 3 and found.notes == ("taken along: my_helpers.py",)


def test_no_cell_writes_a_library_or_a_unit(tmp_path):
    cells = [
        "%%writefile torch.py\nX = 1",
        "%%writefile variation_loss.py\nX = 1",
        "import torch\ndef f(): return torch",
    ]
    path = tmp_path / "variation_loss.ipynb"
    path.write_text(nbformat.writes(new_notebook(cells=list(map(new_code_cell, cells)))))
    found = read_submission(path, UNITS)
    assert found.helpers == {} and found.notes[0].startswith("torch.py was left")


@pytest.mark.parametrize("line", ["from .settings import Config", "from exercises.settings import Config"])
def test_a_dataclass_with_late_annotations_is_made_in_a_helper(tmp_path, line):
    """`dataclasses` looks up the module of a class by its name."""
    files = {
        "settings.py": "from __future__ import annotations\nfrom dataclasses import dataclass\n\n\n"
        "@dataclass\nclass Config:\n    rate: float = 0.05\n",
        "variation_loss.py": f"{line}\n\n\ndef denoise():\n    return Config().rate\n",
    }
    assert answer_of(read_submission(write(tmp_path / "alice", files), UNITS).sources) == 0.05
    assert "settings" not in sys.modules
