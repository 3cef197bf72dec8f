"""Cells of a student's on the page of an instructor: readable, and nothing in them is live."""

import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

pytest.importorskip("nbgrader")
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbgrader.coursedir import CourseDirectory

from autograder.platforms.nbgrader.clean import CleanNotebook
from autograder.platforms.nbgrader.intake import _restore_known, handed_in, refused_folders
from tests.autograder.platforms.nbgrader_class import LIVE

DANGER = re.compile(
    r"<(?!/?(div|p|pre|code|span|img|a|em|strong|h\d)\b)|<[^>]*\b(on\w+|style|id|action|href=.?(j|d|&))|<img[^>]*src=\"(?!data:image)|\\href",
    re.IGNORECASE,
)


def cleaned(*cells, **metadata):
    notebook = new_notebook(cells=list(cells), metadata=metadata)
    return CleanNotebook().preprocess(notebook, {})[0]


@pytest.mark.parametrize("source", LIVE)
def test_nothing_is_live(source):
    for cell in (new_markdown_cell(source), new_raw_cell(source, metadata={"raw_mimetype": "text/html"})):
        (clean,) = cleaned(cell).cells
        assert clean.cell_type == "markdown"
        assert DANGER.search(markdown2html_mistune(clean.source)) is None


@pytest.mark.parametrize(
    "source",
    ["A *word* and `code`, $a < b$.", "| a | b |\n|---|---|\n| 1 | 2 |", "- one\n- two", "$$\n\\frac{1}{2}\n$$"],
)
def test_what_is_harmless_stays_as_it_is(source):
    assert cleaned(new_markdown_cell(source)).cells[0].source == source


def test_what_is_shown_of_markdown_stays():
    (cell,) = cleaned(new_markdown_cell("# Title\n\n[a link](https://example.org)\n\n```\na\n\n\nb < c\n```")).cells
    page = markdown2html_mistune(cell.source)
    assert "<h1>Title</h1>" in page and '<a href="https://example.org">a link</a>' in page
    assert re.search(r"a(\n|&#10;){3}b &lt; c", page)


@pytest.mark.parametrize(
    ("kind", "data", "stays"),
    [
        ("image/png", "iVBORw0KGgo=", True),
        ("image/png", '"><script>live()</script>', False),
        ("image/svg+xml", "PHN2Zz4=", False),
        ("text/html", "PHN2Zz4=", False),
    ],
)
def test_of_attachments_only_pictures_stay(kind, data, stays):
    (cell,) = cleaned(new_markdown_cell("![x](attachment:a)", attachments={"a": {kind: data}})).cells
    page = markdown2html_mistune(cell.source)
    assert "attachments" not in cell and DANGER.search(page) is None
    assert (f'src="data:{kind};base64,{data}"' in page) == stays


def test_a_picture_pasted_into_an_answer_stays():
    picture = {"a.png": {"image/png": "iVBORw0KGgo="}}
    facts = {"grade_id": "answer-q", "locked": False}
    released = new_markdown_cell("Your answer", metadata={"nbgrader": facts})
    handed = new_markdown_cell("![x](attachment:a.png)", metadata={"nbgrader": facts}, attachments=picture)
    (cell,) = cleaned(*_restore_known([handed], {"answer-q": released})).cells
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in cell.source


def test_of_outputs_text_and_pictures_stay():
    data = {"text/html": LIVE[0], "application/javascript": "live()", "image/svg+xml": LIVE[3], "text/plain": "7"}
    outputs = [
        new_output("display_data", data={**data, "image/png": "iVBO"}, metadata={"image/png": {"width": LIVE[0]}}),
        new_output("display_data", data={"image/png": '"><script>live()</script>'}),
        new_output("stream", text=LIVE[0]),
    ]
    (cell,) = cleaned(new_code_cell("1", outputs=outputs, metadata={"tags": [LIVE[0]]})).cells
    assert [output.get("data") for output in cell.outputs] == [{"text/plain": "7", "image/png": "iVBO"}, {}, None]
    assert cell.metadata == {} and all(not output.get("metadata") for output in cell.outputs)


def test_pages_beside_a_graded_notebook_are_removed(tmp_path):
    for name in ("a.html", "b/c.SVG", "d.xml", "e.xhtml", "f.txt", "g.py", "h.png", "i"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    CleanNotebook().preprocess(new_notebook(), {"metadata": {"path": str(tmp_path)}})
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["f.txt", "g.py", "h.png", "i"]


def test_of_metadata_the_kernel_stays():
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = cleaned(
        kernelspec=kernel, title=LIVE[0], language_info={"name": "python", "pygments_lexer": LIVE[0]}, widgets={}
    )
    assert notebook.metadata == {"kernelspec": kernel, "language_info": {"name": "python"}}


@pytest.mark.parametrize("name", ["<b>bob", "a&lt;b", 'x" onmouseover="live()'])
def test_a_student_whose_id_is_html_is_refused_with_a_sentence(tmp_path, name):
    for student in ("alice", "O'Neill", name):
        (tmp_path / "submitted" / student / "lab").mkdir(parents=True)
    course = CourseDirectory(root=str(tmp_path))
    assert handed_in(course, "lab") == ["O'Neill", "alice"]
    assert list(refused_folders(course, "lab")) == [str(tmp_path / "submitted" / name / "lab")]
    assert "rename the folder" in "".join(refused_folders(course, "lab").values())
