"""Remove a student's HTML and scripts from graded notebooks, so that they cannot act in an instructor's browser.

nbgrader's formgrader and feedback render the autograded notebook without a filter, and formgrader's page may change marks.
"""

import html
import mimetypes
import re
from pathlib import Path
from typing import Any

import bleach
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.preprocessors import NbGraderPreprocessor

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_TABLES = ("table", "tbody", "td", "th", "thead", "tr")
_PLAIN = ("br", "dd", "del", "div", "dl", "dt", "hr", "img", "p", "pre", "s", "span", "sub", "sup")
_TAGS = frozenset([*bleach.ALLOWED_TAGS, *_HEADINGS, *_TABLES, *_PLAIN])
_LINK = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
#: A picture inside the page, in a format that cannot hold a script. A picture at any other address is refused: the browser
#: would ask for it with the instructor's cookies.
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
_OUTPUTS = ("text/plain", "image/png", "image/jpeg")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_LIVE_FILE = re.compile(r"html|xml|xsl|svg")
#: Commands with which MathJax makes links and loads extensions.
_LIVE_MATH = re.compile(r"\\(href|require|mmlToken)(?![A-Za-z])")


class CleanNotebook(NbGraderPreprocessor):
    """Preprocessor that makes a graded notebook harmless. It runs last, as nbgrader compares answers with the release."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook with nothing but plain text, harmless HTML, pictures and nbgrader's metadata in its cells."""
        nb.cells = [_clean_cell(cell, number) for number, cell in enumerate(nb.cells)]
        kernel = nb.metadata.get("kernelspec")
        # The name of a lexer, a title and the states of widgets would go into the page unchanged.
        nb.metadata = NotebookNode(language_info=NotebookNode(name="python"))
        if isinstance(kernel, dict):
            nb.metadata.kernelspec = kernel
        nb.nbformat, nb.nbformat_minor = 4, 5
        folder = resources.get("metadata", {}).get("path", "")
        if folder:
            remove_live_files(Path(folder))
        return nb, resources


def remove_live_files(folder: Path) -> None:
    """Remove pages and drawings that may hold scripts: formgrader serves every file beside a graded notebook as its own.

    Args:
        folder: holds the copies that nbgrader has made of what was handed in.
    """
    for path in list(folder.rglob("*")):
        kind = mimetypes.guess_type(path.name)[0] or ""
        if _LIVE_FILE.search(kind) and (path.is_file() or path.is_symlink()):
            path.unlink()


def _clean_cell(cell: NotebookNode, number: int) -> NotebookNode:
    facts = {"nbgrader": cell.metadata.nbgrader} if "nbgrader" in cell.metadata else {}
    common = {"id": f"cell-{number}", "metadata": facts}
    if cell.cell_type == "code":
        outputs = [_clean_output(output) for output in cell.outputs]
        return new_code_cell(cell.source, outputs=outputs, execution_count=cell.execution_count, **common)
    source = _clean_markdown(cell) if cell.cell_type == "markdown" else _as_text(cell.source)
    return new_markdown_cell(source, **common)


def _clean_output(output: NotebookNode) -> NotebookNode:
    if "data" in output:
        output.data = {kind: output.data[kind] for kind in _OUTPUTS if kind in output.data}
        for kind in _OUTPUTS[1:]:
            if not _BASE64.fullmatch("".join(output.data.get(kind, ""))):
                del output.data[kind]
        output.metadata = {}
    return output


def _clean_markdown(cell: NotebookNode) -> str:
    """Return the cell's Markdown if its page is harmless, else the harmless part of that page, else its plain text."""
    attachments = cell.get("attachments", {})
    if _is_harmless(cell.source, attachments):
        return str(cell.source)
    # No links to headings: ids are removed, because one could be that of a field of formgrader's.
    clean = clean_html(_render(cell.source, attachments, exclude_anchor_links=True))
    # In one line, because Markdown ends a block of HTML at an empty line.
    block = f"<div>{clean}</div>".replace("\n", "&#10;")
    return block if _is_harmless(block, {}) else _as_text(cell.source)


def _is_harmless(source: str, attachments: dict[str, Any]) -> bool:
    page = _render(source, attachments)
    return clean_html(page) == page


def clean_html(page: str) -> str:
    """Return HTML without scripts, handlers, styles, forms, ids, and addresses other than links to the web."""
    page = _LIVE_MATH.sub(r"\\text", page)
    return str(bleach.clean(page, _TAGS, _is_allowed, ["http", "https", "mailto", "data"], strip_comments=True))


def _is_allowed(tag: str, name: str, value: str) -> bool:
    if tag == "a" and name == "href":
        return _LINK.match(value) is not None
    if tag == "img" and name == "src":
        return _PICTURE.fullmatch(value) is not None
    return name in ("alt", "title")


def _as_text(source: str) -> str:
    lines = html.escape(_LIVE_MATH.sub(r"\\text", source)).replace("\n", "&#10;")
    return f"<pre>{lines}</pre>"


def _render(source: str, attachments: dict[str, Any], **options: Any) -> str:
    """Return the HTML that nbgrader's pages show for Markdown."""
    renderer = IPythonRenderer(escape=False, attachments=attachments, **options)
    return str(MarkdownWithMath(renderer=renderer).render(source))
