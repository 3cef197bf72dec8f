"""The pages in a real browser: clicked, searched, sorted, by keyboard, on a phone, and read by an accessibility checker."""

import base64
import io
import shutil

import pytest
from PIL import Image

from autograder.results.formats.pages import class_page, student_page
from autograder.results.mark import Hidden, mark, visible_mark
from autograder.results.types import CheckResult, Outcome, Picture, SubmissionResult

browser_api = pytest.importorskip("playwright.sync_api")
axe_api = pytest.importorskip("axe_playwright_python.sync_playwright")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium")
PHONE = {"width": 360, "height": 740}
SERIOUS = ("serious", "critical")


def png():
    file = io.BytesIO()
    Image.new("RGB", (600, 200), "orange").save(file, "PNG")
    return file.getvalue()


def check(number, outcome, **facts):
    function = ("total_variation", "denoise")[number % 2]
    born = CheckResult(
        f"variation_loss::test_{number}", "variation_loss", function, f"Check {number} & its <title>", 2.0
    )
    return born.with_outcome(outcome, facts.pop("message", ""), seconds=0.1, **facts)


WRONG = {
    "message": "total_variation(1x3x4x5 tensor) returned 3.0, expected 6.0" + " and more" * 30,
    "diagnosis": "Only <rows>.",
}
RESULT = SubmissionResult(
    "alice",
    (
        check(0, Outcome.PASSED),
        check(2, Outcome.FAILED, **WRONG, mistake="rows", picture=base64.b64encode(png()).decode(), output="x" * 300),
        check(1, Outcome.NOT_WRITTEN, message="not written yet (variation_loss.py:33)"),
        check(3, Outcome.BLOCKED, message="waits for test_1"),
    ),
    notes=("a note",),
    isolation=("process",),
    versions={"python": "3.11"},
)


@pytest.fixture(scope="module")
def browser():
    with browser_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """A page as its reader sees it; nothing may have been said on the console, nor asked of a network."""
    contexts, said = [], []

    def opened(html, **options):
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or said.append(request.url))
        page.goto((tmp_path / "page.html").as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


def findings(html, opened, **options):
    """Return what axe-core finds serious. The page's own policy, which forbids scripts, is switched off for it."""
    page = opened(html, bypass_csp=True, **options)
    found = axe_api.Axe().run(page).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if each["impact"] in SERIOUS]


@pytest.fixture(scope="module")
def student(catalog):
    picture = Picture(png(), "What it made")
    return student_page(visible_mark(mark(RESULT), Hidden.POINTS), catalog, pictures={"variation_loss": [picture]})


@pytest.fixture(scope="module")
def crowd(catalog):
    """The page of a thousand students."""
    outcomes = (Outcome.PASSED, Outcome.FAILED)
    results = []
    for number in range(1000):
        checks = tuple(check(each, outcomes[number >> each & 1]) for each in range(8))
        results.append(SubmissionResult(f"student-{number:04}", checks, isolation=("process",)))
    return class_page(list(map(mark, results)), catalog, {"student-0007": "submissions/student-0007.html"})


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_a_students_page_has_no_serious_barrier(student, opened, scheme):
    assert findings(student, opened, color_scheme=scheme) == []


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_a_classs_page_has_no_serious_barrier(catalog, opened, scheme):
    assert findings(class_page([mark(RESULT), mark(RESULT)], catalog), opened, color_scheme=scheme) == []


@pytest.mark.slow
def test_a_phone_shows_a_page_without_scrolling_sideways(student, crowd, opened):
    for html in (student, crowd):
        page = opened(html, viewport=PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_students_page_by_keyboard(student, opened):
    """Hints come one after another, and passed checks when they are asked for."""
    page = opened(student)
    hint = page.get_by_text("A hint for total_variation")
    first, second = (page.locator("details p").nth(number) for number in (0, 1))
    assert not first.is_visible()
    hint.focus()
    page.keyboard.press("Enter")
    assert first.is_visible() and not second.is_visible()
    page.get_by_text("Another one").first.focus()
    page.keyboard.press("Enter")
    assert second.is_visible()
    assert page.get_by_text("1 check passes").is_visible()
    assert page.get_by_role("img").count() == 2


def test_a_class_is_searched(crowd, opened):
    page = opened(crowd)
    page.get_by_label("Search").fill("0007")
    assert page.locator("tbody tr:visible").filter(has_text="student-").count() == 1
    assert page.get_by_role("status").text_content() == "1 shown"
    assert page.get_by_role("link", name="student-0007").get_attribute("href") == "submissions/student-0007.html"
    page.get_by_label("Search").fill("")
    assert page.get_by_role("status").text_content() == "1000 shown"


@pytest.mark.slow
def test_a_class_is_sorted(crowd, opened):
    page = opened(crowd)
    name = page.locator("#submissions tbody tr:first-child th")
    points = page.get_by_role("button", name="Points")
    points.click()
    assert name.text_content() == "student-0255"  # of 8 checks all failed
    points.click()
    assert name.text_content() == "student-0000"
    assert page.locator("#submissions th[aria-sort=descending]").text_content() == "Points"
    page.get_by_role("button", name="Submission").press("Enter")
    page.get_by_role("button", name="Submission").press("Enter")
    assert name.text_content() == "student-0999"


@pytest.mark.slow
def test_a_thousand_students_open_at_once(crowd, opened):
    """Two seconds on a machine that does nothing else; the size, which does not depend on the machine, is held here."""
    assert len(crowd) < 1_000_000
    page = opened(crowd)
    assert page.locator("#submissions tbody tr").count() == 1000


@pytest.mark.slow
def test_rows_are_one_line_high_until_they_are_opened(catalog, opened):
    wrong = (check(2, Outcome.FAILED, **WRONG),)
    results = [SubmissionResult(f"{'long name ' * number}{number}", wrong) for number in range(1, 9)]
    page = opened(class_page(list(map(mark, results)), catalog))
    rows = page.locator("#submissions tbody tr")
    remarks = page.locator("#submissions summary").first

    def heights():
        return [round(rows.nth(number).bounding_box()["height"]) for number in range(8)]

    closed = heights()
    assert len(set(closed)) == 1 and closed[0] < 45
    remarks.focus()
    page.keyboard.press("Enter")
    assert heights()[0] > closed[0] and heights()[1:] == closed[1:]
    page.keyboard.press("Enter")
    assert heights() == closed


@pytest.mark.slow
def test_a_wide_table_keeps_the_names_in_sight(catalog, opened):
    checks = tuple(
        CheckResult(f"{unit.name}::test", unit.name, name, "t", 1.0)
        for unit in catalog.units.values()
        for name in unit.functions
    )
    page = opened(class_page([mark(SubmissionResult("alice", checks))], catalog), viewport=PHONE)
    name, points = page.locator("#submissions tbody th"), page.locator("#submissions tbody td").first
    left = name.bounding_box()["x"]
    page.locator(".scroll").first.evaluate("each => { each.scrollLeft = 600; }")
    assert points.bounding_box()["x"] < 0 <= name.bounding_box()["x"] == left


@pytest.mark.slow
def test_a_unit_that_was_not_handed_in_is_one_line(catalog, opened):
    missing = "quiz.py was not handed in"
    absent = [
        CheckResult(f"quiz::test_{number}", "quiz", "answers", f"Question {number}", 1.0).with_outcome(
            Outcome.NOT_RUN, missing
        )
        for number in range(13)
    ]
    result = SubmissionResult("alice", (*absent, *RESULT.checks))
    for shown in Hidden:
        page = opened(student_page(visible_mark(mark(result), shown), catalog))
        assert page.locator("#quiz").inner_text().endswith(f"0 of 13 points: {missing}")
        assert page.get_by_text("Question 3").count() == 0
        assert page.locator("#variation_loss h3").count() == 2
