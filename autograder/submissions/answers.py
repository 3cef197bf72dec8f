"""Find a student's answers to questions that people grade, as text: in a marked place of a script, or in a notebook's cell."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from autograder.submissions.files import File

#: An answer is read by a person; a longer one is cut.
_LENGTH = 10_000
_NOTHING = {"", "*Your answer*"}


def answers_in(files: Iterable[File], names: Iterable[str]) -> dict[str, str]:
    """Return the answer to each question that has one, by the question's name.

    Args:
        files: that were handed in for units.
        names: of the questions.
    """
    wanted, found = list(names), {}
    texts = [text for file in files for text in _texts(file)] if wanted else []
    for name in wanted:
        cells = (text for cell, text in texts if cell == f"answer-{name}")
        marked = (answer for _, text in texts for answer in [_text_between_marks(text, name)] if answer)
        answer = next((each.strip() for each in (*cells, *marked) if each.strip() not in _NOTHING), "")
        if answer:
            found[name] = answer[:_LENGTH]
    return found


def _text_between_marks(text: str, name: str) -> str:
    """Return what stands between the lines that mark an answer, without the quotes or signs of a comment round it."""
    lines = rf"^[ \t]*### BEGIN ANSWER {re.escape(name)}[ \t]*\n(.*?)^[ \t]*### END ANSWER {re.escape(name)}[ \t]*$"
    match = re.search(lines, text, re.MULTILINE | re.DOTALL)
    if match is None:
        return ""
    answer = match[1].strip()
    for quotes in ('"""', "'''"):
        answer = answer.removeprefix(quotes).removesuffix(quotes)
    return re.sub(r"^[ \t]*#[ \t]?", "", answer, flags=re.MULTILINE).strip()


def _texts(file: File) -> Iterator[tuple[str, str]]:
    """Yield the id and the text of each cell of a notebook, or the text of a script; nothing if it cannot be read."""
    text = file.data.decode("utf-8-sig", "replace")
    if file.path.suffix != ".ipynb":
        yield "", text.replace("\r\n", "\n")
        return
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, Mapping):
            source = cell.get("source", "")
            joined = "".join(map(str, source)) if isinstance(source, list) else str(source)
            yield _id(cell), joined


def _id(cell: Mapping[str, object]) -> str:
    metadata = cell.get("metadata")
    facts = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
    given = facts.get("grade_id") if isinstance(facts, Mapping) else None
    return str(given or cell.get("id", ""))
