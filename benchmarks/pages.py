"""`python -m benchmarks.pages`: how long the page of a class of a thousand takes to be made, and to open in Chromium."""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from autograder.course.catalog import read_catalog
from autograder.results.formats.pages import class_page
from autograder.results.mark import mark
from autograder.results.types import CheckResult, Outcome, SubmissionResult

STUDENTS, CHECKS, ROUNDS = 1000, 60, 5


def results() -> list[SubmissionResult]:
    """Make a class in which everybody fails other checks."""

    def check(student: int, number: int) -> CheckResult:
        outcome = Outcome.FAILED if (student * 31 + number * 17) % 7 == 0 else Outcome.PASSED
        born = CheckResult(f"variation_loss::test_{number}", "variation_loss", f"f{number % 4}", f"Check {number}", 1.0)
        return born.with_outcome(outcome, f"f() returned {student}, expected {number}", seconds=0.1)

    return [
        SubmissionResult(f"student-{student:04}", tuple(check(student, number) for number in range(CHECKS)))
        for student in range(STUDENTS)
    ]


def main() -> None:
    """Print the medians."""
    catalog = read_catalog(Path(__file__).parents[1])
    begun = time.perf_counter()
    html = class_page(list(map(mark, results())), catalog)
    print(f"made in {time.perf_counter() - begun:.2f} s: {len(html) / 1e6:.2f} MB for {STUDENTS} students")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "index.html")
        path.write_text(html, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        print(f"opened in {statistics.median(opened(browser, path) for _ in range(ROUNDS)):.2f} s")
        browser.close()


def opened(browser, path: Path) -> float:
    """Return the seconds until the page has loaded and its last line has been laid out."""
    page = browser.new_page()
    begun = time.perf_counter()
    page.goto(path.as_uri())
    page.evaluate("document.documentElement.scrollHeight")
    seconds = time.perf_counter() - begun
    page.close()
    return seconds


if __name__ == "__main__":
    main()
