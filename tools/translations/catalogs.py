"""Read, update and write the catalogs: `<domain>.pot` with what is to be translated, and a `.po` for each language."""

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from tools.translations.extract import ROOT, Found, course_texts, engine_texts

#: Languages in the order of the glossary, with their own names.
LANGUAGES = {"tl": "Tagalog", "ms": "Bahasa Melayu", "my": "မြန်မာ", "lt": "lietuvių", "sr": "српски"}
#: Each catalog: its folder and the texts that belong into it.
DOMAINS = {"course": ("exercises/locale", course_texts), "autograder": ("autograder/locale", engine_texts)}
#: One for all, so that a catalog changes where its texts do.
_MOMENT = datetime(2026, 11, 26, tzinfo=UTC)
_HEADER = """\
# Translations of idealcat into {name}.
# Machine-translated from the English. To mend a sentence, edit its msgstr here; `make translations` checks it."""
_TEMPLATE_HEADER = "# What of idealcat is to be translated; made from the sources by `make translations`."
#: Where there is one form for all numbers; the others' forms are Babel's.
_ONE_FORM = ("ms", "my")


def template_path(domain: str, root: Path = ROOT) -> Path:
    """Return the file with the texts of a catalog."""
    return root / DOMAINS[domain][0] / f"{domain}.pot"


def catalog_path(domain: str, language: str, root: Path = ROOT) -> Path:
    """Return the file with a language's translations."""
    return root / DOMAINS[domain][0] / language / "LC_MESSAGES" / f"{domain}.po"


def extracted(domain: str, root: Path = ROOT) -> Catalog:
    """Return the template of a catalog, from the sources."""
    catalog = _empty(None)
    parts: dict[str, dict[str, None]] = {}
    for found in DOMAINS[domain][1](root):
        notes = parts.setdefault(found.text, {})
        notes[f"{found.part}: {found.kind}"] = None
        _add(catalog, found, list(notes))
    return catalog


def _add(catalog: Catalog, found: Found, notes: Iterable[str]) -> None:
    key = (found.text, found.plural) if found.plural else found.text
    catalog.add(key, locations=[(found.path, None)], auto_comments=list(notes))


def _empty(language: str | None) -> Catalog:
    header = _HEADER.format(name=LANGUAGES[language]) if language else _TEMPLATE_HEADER
    catalog = Catalog(
        language,
        project="idealcat",
        version="0.1.0",
        header_comment=header,
        msgid_bugs_address="",
        last_translator="machine translation",
        language_team=LANGUAGES.get(language or "", ""),
        fuzzy=False,
    )
    catalog.creation_date = catalog.revision_date = _MOMENT
    if language in _ONE_FORM:
        catalog.mime_headers = [("Plural-Forms", "nplurals=1; plural=0;")]
    return catalog


def read(path: Path, language: str | None = None) -> Catalog:
    """Return the catalog in a file; an empty one if there is no file."""
    if not path.is_file():
        return _empty(language)
    return read_po(io.BytesIO(path.read_bytes()), locale=language, abort_invalid=True)


def text_of(catalog: Catalog) -> str:
    """Return the text of a catalog's file."""
    file = io.BytesIO()
    write_po(file, catalog, width=0, omit_header=False, ignore_obsolete=True)
    return file.getvalue().decode("utf-8")


def updated(domain: str, language: str, template: Catalog) -> Catalog:
    """Return a language's catalog in step with the template: translations of texts that are the same are kept."""
    old, new = read(catalog_path(domain, language), language), _empty(language)
    for message in entries(template):
        known = old.get(_singular(message))
        kept = known.string if known is not None and known.id == message.id and not known.fuzzy else None
        new.add(message.id, kept, locations=message.locations, auto_comments=message.auto_comments)
    return new


def entries(catalog: Catalog) -> Iterator[Message]:
    """Yield the messages of a catalog, without its header."""
    yield from (message for message in catalog if message.id)


def _singular(message: Message) -> str:
    return message.id[0] if message.pluralizable else message.id


def parts_of(message: Message) -> list[str]:
    """Return the units that a message is shown in, or "engine"."""
    return list(dict.fromkeys(note.partition(": ")[0] for note in message.auto_comments))


def kind_of(message: Message) -> str:
    """Return the kind of a message, as extraction named it first."""
    return str(message.auto_comments[0].partition(": ")[2])


def is_translated(message: Message) -> bool:
    """Return True if a message has a translation, in all plural forms."""
    if message.fuzzy:
        return False
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)
