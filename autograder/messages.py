"""Show texts in the reader's language: translate when shown, never when stored.

    use("lt", root / "exercises" / "locale")
    tr("Next: {function} in {place}", function="denoise", place="exercises/variation_loss.py:83")

Catalogs are `.po` files, read when first needed; gettext finds the words. English stands for whatever is missing. A sentence
that a result stores is English: `parse_sentence` finds its template and its values, and `show_sentence` gives it in the
reader's language.
Every room may import this module; it imports nothing of the package but `errors`.
"""

import contextlib
import functools
import gettext
import io
import itertools
import os
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from autograder.errors import UsageError

#: Variable that names the language of the reader.
LANGUAGE = "IDEALCAT_LANG"
ENGLISH = "en"
_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")
_OWN = Path(__file__).parent / "locale"
#: A language, and the folders of its catalogs beside the engine's own.
_active: ContextVar[tuple[str, tuple[Path, ...]]] = ContextVar("language", default=(ENGLISH, ()))

#: Neither printed nor harmful: Burmese breaks lines at the first, and other scripts join their letters by the others.
_INVISIBLE = "\u200b\u200c\u200d"

#: Sentence in a form that can be shown in any language: `{"text": template, "values": {name: text or sentence}}`.
Sentence = dict[str, Any]


def languages(*folders: Path) -> tuple[str, ...]:
    """Return the languages that have a catalog, English first."""
    found = {path.parents[1].name for folder in (_OWN, *folders) for path in folder.glob("*/LC_MESSAGES/*.po")}
    return (ENGLISH, *sorted(found))


def choose_language(asked: str, course: str, *folders: Path) -> str:
    """Return the reader's language: as asked for, else by `IDEALCAT_LANG`, the course's, the locale's, else English.

    Raises:
        UsageError: the language that was asked for has no catalog.
    """
    known = languages(*folders)
    for source, name in (("--lang", asked), (LANGUAGE, os.environ.get(LANGUAGE, ""))):
        if name and _base(name) not in known:
            raise UsageError(f"{source} {name}: there is no such language; it is one of {', '.join(known)}")
        if name:
            return _base(name)
    locale = next(filter(None, map(os.environ.get, _LOCALES)), "")
    return next((_base(name) for name in (course, locale or "") if _base(name) in known), ENGLISH)


def _base(name: str) -> str:
    return re.split(r"[_.@-]", name)[0].lower()


def use(language: str, *folders: Path) -> None:
    """Show everything from now on in a language, with the catalogs in these folders beside the engine's own."""
    _active.set((language, folders))


@contextlib.contextmanager
def speaking(language: str, *folders: Path) -> Iterator[None]:
    """Show everything inside the block in a language."""
    token = _active.set((language, folders))
    try:
        yield
    finally:
        _active.reset(token)


def language() -> str:
    """Return the language in use."""
    return _active.get()[0]


def tr(text: str, /, **values: object) -> str:
    """Return a text in the reader's language, with its `{names}` filled in."""
    translation = _translations().gettext(text) if text else text
    return translation.format(**values) if values else translation


def tr_plural(one: str, many: str, count: int, **values: object) -> str:
    """Return a text about a number of things in the reader's language; `{count}` is the number."""
    return _translations().ngettext(one, many, count).format(count=count, **values)


def show_sentence(sentence: Sentence, english: str) -> str:
    """Return a stored sentence in the reader's language; `english` if it has no form for that or is of another make."""
    if language() == ENGLISH:
        return english
    if not sentence:
        return tr(english)
    try:
        return _fill(sentence)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError):  # a result may come from anywhere
        return english


def translate_sentence(english: str) -> str:
    """Return a text of known templates, put together in English, in the reader's language."""
    known = language() != ENGLISH
    return show_sentence(parse_sentence(english, *_active.get()[1]), english) if known else english


def _fill(sentence: Sentence) -> str:
    def fill(value: Any) -> str:
        if isinstance(value, dict):
            return _fill(value)
        return str(value) if language() == ENGLISH else _ARTICLE.sub("", str(value))

    values = {name: fill(each) for name, each in sentence["values"].items()}
    return _translations().gettext(sentence["text"]).format(**values)


def _translations() -> gettext.NullTranslations:
    code, folders = _active.get()
    return gettext.NullTranslations() if code == ENGLISH else _load_catalog(code, folders)


@functools.cache
def _load_catalog(code: str, folders: tuple[Path, ...]) -> gettext.NullTranslations:
    translations = gettext.NullTranslations()
    for folder in (_OWN, *folders):
        for path in sorted((folder / code / "LC_MESSAGES").glob("*.po")):
            one = gettext.GNUTranslations(io.BytesIO(compile_catalog(path.read_text(encoding="utf-8"))))
            one.add_fallback(translations)
            translations = one
    return translations


def compile_catalog(po: str) -> bytes:
    """Return the text of a `.po` file as gettext's binary form, without fuzzy and empty entries."""
    pairs = sorted((key.encode(), text.encode()) for key, text in entries(po) if text)
    starts, data = [], b""
    table = 7 * 4 + 16 * len(pairs)
    for part in (0, 1):
        for pair in pairs:
            starts += [len(pair[part]), table + len(data)]
            data += pair[part] + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return header + struct.pack(f"<{len(starts)}I", *starts) + data


_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


def entries(po: str) -> Iterator[tuple[str, str]]:
    """Yield each text of a `.po` file with its translation; plural forms are joined by a NUL, as gettext has them."""
    for block in po.split("\n\n"):
        texts: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line.startswith("#,") and "fuzzy" in line:
                break
            if line.startswith("msg"):
                key, _, line = line.partition(" ")
                texts[key] = ""
            if line.startswith('"'):
                texts[key] += _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), line[1:-1])
        else:
            if "msgid_plural" in texts:
                forms = [text for name, text in texts.items() if name.startswith("msgstr[")]
                yield f"{texts['msgid']}\0{texts['msgid_plural']}", "\0".join(forms) if all(forms) else ""
            elif "msgstr" in texts:
                yield texts["msgid"], texts["msgstr"]


# --- from an English sentence back to its template

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
#: Values that quote the student or Python: looked at only for long texts of our own.
_QUOTING = {"text", "error", "fault", "reason", "message", "said", "words", "call", "subject", "output"}
_LONG, _SHORT, _WEAK = 12, 4, 2
_DEPTH = 6
#: Values that are empty if the sentence is about a whole.
_PLACES = {"at", "place"}
#: So many ways to split a text are looked at.
_SPLITS = 50
#: Stands for a call while a sentence is parsed.
_CALL = "\ue000"
#: Begins what Python says of an error: its words are no template's.
_RAISED = re.compile(rf"(?:{_CALL} )?raised \w+: ")
#: An article before the name of a type, which no other language needs.
_ARTICLE = re.compile(r"(?:^|(?<= \())an? (?=[\w.]+\)?$)")
#: Ways to name a call in words; what stands for the placeholders is code.
GRADIENT, WITH_INPUT = "the gradient of {call}", "{program} with the input {text}"


@functools.cache
def _templates(folders: tuple[Path, ...]) -> tuple[frozenset[str], tuple[tuple[str, list[str], int], ...]]:
    """Return the constant texts that are known, and each template with its pieces and its number of letters."""
    paths = [path for folder in (_OWN, *folders) for path in sorted(folder.glob("*.pot"))]
    texts = {key.partition("\0")[0] for path in paths for key, _ in entries(path.read_text(encoding="utf-8"))}
    constants, templates = set(), []
    for text in sorted(texts - {""}):
        pieces = _PLACEHOLDER.split(text)
        if len(pieces) == 1:
            constants.add(text)
            continue
        literals = [piece.replace("{{", "{").replace("}}", "}") for piece in pieces[::2]]
        letters = sum(char.isalpha() for piece in literals for char in piece)
        pieces[::2] = literals
        templates.append((text, pieces, letters))
    return frozenset(constants), tuple(sorted(templates, key=lambda each: -each[2]))


def parse_sentence(text: str, *folders: Path, call: str = "") -> Sentence:
    """Return the template and the values of a sentence; an empty dict if it is made of no known template.

    Args:
        text: a sentence in English, put together by a check or by the engine.
        folders: with the templates of the course.
        call: what the sentence begins with, if it is about a call.
    """
    gradient = GRADIENT.format(call=call)
    if call and text.startswith(gradient):
        call = gradient
    if call and text.startswith(call) and text != call:
        problem = text.removeprefix(call)
        space = " " if problem.startswith(" ") else ""
        found = _parse_by_templates(problem.removeprefix(space), folders, _SHORT, 0)
        if found:
            return _sentence("{call}" + space + "{problem}", call=_parse_call(call), problem=found)
        restored: Sentence = _restore_call(_parse_by_templates(_CALL + problem, folders, _SHORT, 0) or {}, call)
        return restored
    return _parse_by_templates(text, folders, _SHORT, 0) or {}


def _parse_call(call: str) -> str | Sentence:
    """Return a call with our words around its code as template and values."""
    of = GRADIENT.format(call="")
    if call.startswith(of):
        return _sentence(GRADIENT, call=call.removeprefix(of))
    program, with_input, text = call.partition(WITH_INPUT.format(program="", text=""))
    if with_input and "(" not in program:  # a quotation in a call of a function may hold the same words
        return _sentence(WITH_INPUT, program=program, text=text)
    return call


def _restore_call(value: Any, call: str) -> Any:
    """Return a sentence with the call, whose words are the student's, in its place again."""
    if isinstance(value, dict):
        return {name: _restore_call(each, call) for name, each in value.items()}
    return _parse_call(call) if value == _CALL else value.replace(_CALL, call)


def _sentence(text: str, /, **values: str | Sentence) -> Sentence:
    return {"text": text, "values": values}


def _parse_by_templates(text: str, folders: tuple[Path, ...], least: int, depth: int) -> Sentence | None:
    constants, templates = _templates(folders)
    if text in constants and (" " in text or not depth):  # a value of one word is code, such as "loss"
        return _sentence(text.replace("{", "{{").replace("}", "}}") if "{" in text else text)
    if depth > _DEPTH or " " not in text or text[0] in "'\"[{":
        return None
    head, joint, tail = text.rpartition("; ")
    if joint and (added := _parse_by_templates(tail, folders, _LONG, depth + 1)):
        return _sentence(
            "{head}; {tail}", head=_parse_by_templates(head, folders, least, depth + 1) or head, tail=added
        )
    for template, pieces, letters in templates:
        values = _match_pieces(pieces, text) if letters >= least else None
        if values is not None and (pieces[0] or not _RAISED.match(values[0])):
            return _with_values(template, pieces, values, folders, depth)
    return _with_suffix(text, folders, depth) or (_weakly(text, folders, depth) if least < _LONG else None)


def _weakly(text: str, folders: tuple[Path, ...], depth: int) -> Sentence | None:
    """Return a text with little of ours in it, such as "gradients of model", where its values are single words."""
    constants, templates = _templates(folders)
    for template, pieces, letters in templates:
        values = _match_pieces(pieces, text) if _WEAK <= letters < _SHORT else None
        if values is None:
            continue
        if template.startswith(": ") or all(_is_token(value) or value in constants for value in values):
            return _with_values(template, pieces, values, folders, depth)
    return None


def _with_suffix(text: str, folders: tuple[Path, ...], depth: int) -> Sentence | None:
    """Return a text that ends with a known addition, such as " at [0, 1]"."""
    constants, templates = _templates(folders)
    for constant in constants:
        if constant.startswith((" ", ", ")) and text.endswith(constant) and text != constant:
            head = text.removesuffix(constant)
            found = _parse_by_templates(head, folders, _SHORT, depth + 1) or head
            return _sentence("{head}{tail}", head=found, tail=_sentence(constant))
    for template, pieces, _ in templates:
        if not template.startswith((" ", ", ", "; ")):
            continue
        start = text.rfind(pieces[0])
        values = _match_pieces(pieces, text[start:]) if start > 0 else None
        if values is not None and all(_is_token(value) for value in values):
            head = text[:start]
            rest = _with_values(template, pieces, values, folders, depth)
            return _sentence(
                "{head}{tail}", head=_parse_by_templates(head, folders, _SHORT, depth + 1) or head, tail=rest
            )
    return None


def _is_token(value: str) -> bool:
    """Return True for a value of one word, or in brackets or quotes."""
    return " " not in value or (value[0], value[-1]) in (("[", "]"), ("(", ")"), ("'", "'"))


def _with_values(
    template: str, pieces: list[str], values: list[str], folders: tuple[Path, ...], depth: int
) -> Sentence:
    named = dict(zip(pieces[1::2], values, strict=True))
    found: Mapping[str, str | Sentence] = {
        name: _parse_by_templates(value, folders, _LONG if name in _QUOTING else _SHORT, depth + 1) or value
        for name, value in named.items()
    }
    return _sentence(template, **found)


def _match_pieces(pieces: list[str], text: str) -> list[str] | None:
    """Return the values that stand between the literal pieces of a template in a text; None if it is another text.

    A piece such as " is " may stand in a value too: of all ways to split the text the first with the most values of one word
    counts, as in ": the share of what is kept is 0.5".
    """
    first, last = pieces[0], pieces[-1]
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return None
    middle = text[len(first) : len(text) - len(last)]
    splits = itertools.islice(_splits(middle, pieces[2:-1:2], pieces[1::2]), _SPLITS)
    return max(splits, key=lambda values: sum(map(_is_token, values)), default=None)


def _splits(text: str, literals: Sequence[str], names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the values of each way to split a text at literals; only a place may be empty."""
    if not literals:
        if text or names[0] in _PLACES:
            yield [text]
        return
    start = text.find(literals[0], 0 if names[0] in _PLACES else 1)
    while start >= 0:
        for values in _splits(text[start + len(literals[0]) :], literals[1:], names[1:]):
            yield [text[:start], *values]
        start = text.find(literals[0], start + 1)


def is_printable(char: str) -> bool:
    """Return True for a character that is text, or that a script needs to break and join words."""
    return char.isprintable() or char in _INVISIBLE
