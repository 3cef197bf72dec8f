"""`python -m tools.translations`: bring the catalogs in step with the sources, and say what is missing.

update                   the templates and catalogs, from the sources
missing                  how many texts have no translation, by language and unit
todo LANGUAGE PART       texts without a translation, as JSON: {"English": "kind", ...}; PART is a unit, or "engine"
take LANGUAGE FILE       put translations into the catalogs, from JSON: {"English": "translation", ...}
check LANGUAGE [PART]    what is wrong with the translations that there are
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from tools.translations.catalogs import (
    DOMAINS,
    LANGUAGES,
    catalog_path,
    entries,
    extracted,
    is_translated,
    kind_of,
    parts_of,
    read,
    template_path,
    text_of,
    updated,
)
from tools.translations.checking import check_entry
from tools.translations.extract import ENGINE
from tools.translations.lessons import lesson_paths, lesson_problems, missing_lessons

_LIMIT = 4000


def main() -> int:
    """Run a command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.translations", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("update")
    commands.add_parser("missing")
    for name in ("todo", "take", "check"):
        command = commands.add_parser(name)
        command.add_argument("language", choices=LANGUAGES)
        command.add_argument("file" if name == "take" else "part", nargs="?" if name == "check" else None)
        if name == "todo":
            command.add_argument("--limit", type=int, default=_LIMIT, help="so many texts at most")
    given = vars(parser.parse_args())
    return int(globals()[given.pop("command")](**given) or 0)


def update() -> None:
    """Write the templates and the catalogs anew."""
    for domain in DOMAINS:
        template = extracted(domain)
        _write(template_path(domain), text_of(template))
        for language in LANGUAGES:
            _write(catalog_path(domain, language), text_of(updated(domain, language, template)))


def missing() -> int:
    """Print how many texts have no translation, by language and unit."""
    gaps = 0
    for language in LANGUAGES:
        counts: Counter[str] = Counter(missing_lessons(language))
        total = len(list(lesson_paths(language)))
        for domain in DOMAINS:
            for message in entries(read(catalog_path(domain, language), language)):
                total += 1
                if not is_translated(message):
                    counts.update(parts_of(message)[:1])
        gaps += sum(counts.values())
        text = ", ".join(f"{part} {count}" for part, count in counts.items())
        print(f"{language}: {sum(counts.values())} of {total} missing" + (f": {text}" if text else ""))
    return int(gaps > 0)


def todo(language: str, part: str, limit: int) -> None:
    """Print the texts of a part without a translation."""
    texts: dict[str, str] = {}
    for domain in DOMAINS:
        for message in entries(read(catalog_path(domain, language), language)):
            if part in parts_of(message)[:1] and not is_translated(message):
                plural = message.pluralizable
                texts[message.id[1] if plural else message.id] = (
                    "plural: a list of forms" if plural else kind_of(message)
                )
    json.dump(dict(list(texts.items())[:limit]), sys.stdout, ensure_ascii=False, indent=0)
    print()


def take(language: str, file: str) -> int:
    """Put translations into the catalogs. Print which are wrong, and which belong to no text."""
    given = json.loads(Path(file).read_text(encoding="utf-8"))
    taken, wrong = set(), 0
    for domain in DOMAINS:
        path = catalog_path(domain, language)
        catalog = read(path, language)
        for message in entries(catalog):
            key = message.id[1] if message.pluralizable else message.id
            if key in given:
                taken.add(key)
                message.string = tuple(given[key]) if message.pluralizable else given[key]
                message.flags.discard("fuzzy")
                wrong += _tell(message.id, check_entry(language, message.id, message.string))
        _write(path, text_of(catalog))
    strangers = [text for text in given if text not in taken]
    for text in strangers:
        print(f"no such text: {text!r}")
    print(f"taken {len(taken)}, of which {wrong} have problems; {len(strangers)} are no texts of the catalogs")
    return int(bool(wrong or strangers))


def check(language: str, part: str | None) -> int:
    """Print what is wrong with the translations that there are."""
    wrong = 0
    for domain in DOMAINS:
        for message in entries(read(catalog_path(domain, language), language)):
            if is_translated(message) and part in (None, *parts_of(message)):
                wrong += _tell(message.id, check_entry(language, message.id, message.string))
    if part != ENGINE:
        for problem in lesson_problems(language, part):
            wrong += 1
            print(problem)
    print(f"{wrong} have problems")
    return int(wrong > 0)


def _tell(text: object, found: list[str]) -> int:
    for problem in found:
        print(f"{text!r} {problem}")
    return int(bool(found))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
