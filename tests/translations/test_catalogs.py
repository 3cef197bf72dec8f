"""The catalogs are in step with the sources; a language that is called complete has every text, and all of them hold."""

import tomllib

import pytest

from tools.translations.catalogs import (
    DOMAINS,
    LANGUAGES,
    ROOT,
    catalog_path,
    entries,
    extracted,
    is_translated,
    read,
    template_path,
    text_of,
    updated,
)
from tools.translations.checking import check_entry, problems
from tools.translations.lessons import lesson_problems, missing_lessons, text_problems
from tools.translations.sentences import sentences

COMPLETE = tomllib.loads((ROOT / "exercises" / "locale" / "complete.toml").read_text(encoding="utf-8"))["complete"]


@pytest.mark.parametrize("domain", DOMAINS)
def test_templates_and_catalogs_are_in_step_with_the_sources(domain):
    template = extracted(domain)
    assert template_path(domain).read_text(encoding="utf-8") == text_of(template), "run `make translations`"
    for language in LANGUAGES:
        path = catalog_path(domain, language)
        assert path.read_text(encoding="utf-8") == text_of(updated(domain, language, template)), (
            "run `make translations`"
        )


@pytest.mark.parametrize("language", COMPLETE)
def test_a_complete_language_lacks_nothing(language):
    for domain in DOMAINS:
        catalog = read(catalog_path(domain, language), language)
        assert [message.id for message in entries(catalog) if not is_translated(message)] == []
    assert missing_lessons(language) == []


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_hold(language, domain):
    catalog = read(catalog_path(domain, language), language)
    forms = catalog.num_plurals
    for message in entries(catalog):
        if is_translated(message):
            assert check_entry(language, message.id, message.string) == [], message.id
            assert not message.pluralizable or len(message.string) == forms


@pytest.mark.parametrize("language", LANGUAGES)
def test_lessons_hold(language):
    assert list(lesson_problems(language)) == []


def test_complete_languages_are_known():
    assert set(COMPLETE) <= set(LANGUAGES)


@pytest.mark.parametrize(
    ("translation", "problem"),
    [
        ("Grąžino {value}, tikėtasi `model` ir 3.5.", ""),
        ("Grąžino {values}, tikėtasi `model` ir 3.5.", "lacks the placeholder {value}"),
        ("Grąžino {value}, tikėtasi model ir 3.5.", "lacks the code `model`"),
        ("Grąžino {value}, tikėtasi `model` ir 3,5.", "lacks the number 3.5"),
        ("Grąžino {value}, tikėtasi `model` ir 3.5", "does not end with '.'"),
        ("Grąžino {value}, the number of `model` ir 3.5.", "has English left: of, the"),
        ("Вратио {value}, очекивано `model` и 3.5.", "has letters of the script of sr"),
        ("Returned {value}, expected `model` and 3.5.", "is the English"),
    ],
)
def test_a_wrong_translation_is_noticed(translation, problem):
    found = list(problems("lt", "Returned {value}, expected `model` and 3.5.", translation))
    assert (found == []) if not problem else any(each.startswith(problem) for each in found)


def test_a_term_has_the_rendering_of_the_glossary():
    assert list(problems("lt", "A neural network learns.", "Mokosi neuroninis tinklas.")) == []
    assert list(problems("lt", "A neural network learns.", "Mokosi nervų raizginys.")) == [
        "renders 'neural network' by none of: neuroninis tinklas"
    ]


def test_burmese_and_serbian_have_their_scripts():
    assert "has no letter of the script of my" in list(problems("my", "It falls every time.", "bumabagsak palagi."))
    assert "has no letter of the script of sr" in list(problems("sr", "It falls every time.", "Pada svaki put."))


def test_a_formula_by_itself_stays_as_it_is():
    formula = r"$$\ell = -\log p_y = \log \sum_j e^{z_j} - z_y$$"
    assert list(problems("sr", formula, formula)) == []
    assert list(problems("sr", formula, formula.replace("-", "+"))) != []


ENGLISH = (
    "# Loss\n\nIt **falls** with `model`.\n\n    x = 1\n\n![a cat](../../docs/cat.png) See [docs](https://a.org/b).\n"
)
LITHUANIAN = ENGLISH.replace("Loss", "Nuostoliai").replace("It **falls** with", "Jie **mažėja** su")
LITHUANIAN = LITHUANIAN.replace("a cat", "katė").replace("See", "Žr.").replace("../../", "../../../")


def test_a_lesson_keeps_its_code_links_and_paragraphs():
    assert list(text_problems("lt", ENGLISH, LITHUANIAN)) == []
    for change in (
        ("    x = 1", "    x = 2"),
        ("`model`", "model"),
        ("cat.png", "dog.png"),
        ("# Loss", "## Loss"),
        ("`model`.", "`model`.\n\nDar."),
    ):
        wrong = (
            LITHUANIAN.replace("# Nuostoliai", "## Nuostoliai")
            if change[0] == "# Loss"
            else LITHUANIAN.replace(*change)
        )
        assert list(text_problems("lt", ENGLISH, wrong)), change


def test_f_strings_are_templates():
    source = 'assert_holds(x, f"gives {len(y)} answers to {name!r}{at}, {{so}}", tr("Next: {n}", n=n))'
    assert [text for _, text in sentences(source)] == ["gives {count} answers to {name}, {{so}}", "Next: {n}"]
