"""nbgrader's formgrader in a real browser, as an instructor uses it: autograde, look, correct by hand, give feedback."""

import contextlib
import shutil
import socket
import subprocess
import sys
import threading

import pytest

from tests.autograder.platforms.nbgrader_class import Class
from tests.autograder.platforms.nbgrader_course import environment, exported, page, released_course
from tests.autograder.shades_course import POINTS, UNIT

pytest.importorskip("nbgrader")
browser_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium"),
]
#: Milliseconds: to draw a page, and to autograde, which starts a sandbox, on a machine that may be busy.
PATIENCE, LONG_PATIENCE = 60_000, 300_000


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A released assignment, and what one student has handed in."""
    course = released_course(tmp_path_factory.mktemp("formgrader"))
    students = Class(course)
    students.hand_in("alice", students.notebook(dict(students.mistaken())["negates"]))
    return course


@pytest.fixture(scope="module")
def formgrader(course):
    """The address of the formgrader of a Jupyter server in the course's folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = [
        "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--ServerApp.allow_root=True",
        "--ServerApp.open_browser=False",
        "--ServerApp.ip=127.0.0.1",
    ]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter_server", *settings],
        cwd=course,
        env=environment(JUPYTER_CONFIG_DIR=str(course / "jupyter"), JUPYTER_RUNTIME_DIR=str(course / "jupyter")),
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        try:
            said = []
            for line in server.stdout:
                said.append(line)
                if "is running at" in line:
                    break
            else:
                pytest.fail("the server has ended:\n" + "".join(said))
            # A pipe that nobody reads would be full one day, and stop the server.
            reader = threading.Thread(target=server.stdout.read)
            reader.start()
            yield f"http://127.0.0.1:{port}/formgrader"
        finally:
            server.terminate()
    reader.join()


@pytest.fixture(scope="module")
def tab(formgrader):
    """A page of the browser, that sees this machine and no other."""
    with browser_api.sync_playwright() as playwright, contextlib.ExitStack() as open_:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        open_.callback(browser.close)
        tab = browser.new_page(viewport={"width": 1300, "height": 1600})
        tab.route(lambda url: not url.startswith(formgrader), lambda route: route.abort())
        tab.set_default_timeout(PATIENCE)
        yield tab


def test_an_instructor_grades_in_the_browser(course, formgrader, tab):
    tab.goto(f"{formgrader}/manage_submissions/{UNIT}")
    row = tab.locator("tr", has_text="alice")
    row.locator(".status", has_text="needs autograding").wait_for()
    row.locator(".autograde a").click()
    tab.locator(".modal-body", has_text="Successfully autograded").wait_for(timeout=LONG_PATIENCE)
    assert "Writing" in tab.locator(".modal-body").inner_text()
    tab.reload()
    row = tab.locator("tr", has_text="alice")
    row.locator(".status", has_text="graded").wait_for()
    score = float(row.locator(".score").inner_text().split(" / ")[0])
    assert 0 < score < POINTS

    tab.goto(f"{formgrader}/gradebook/{UNIT}/{UNIT}")
    tab.locator("a", has_text="Submission #1").click()
    tab.wait_for_function("() => window.formgrader?.grades?.loaded && window.formgrader?.comments?.loaded")
    box = tab.locator("#checks-invert")
    assert "x Black becomes white" in tab.locator("#notebook").first.inner_text()
    picture = tab.locator("#notebook img").first
    assert picture.evaluate("image => image.naturalWidth") == 464
    before = float(box.get_attribute("placeholder"))
    save(tab, "#checks-invert", str(before + 1))
    save(tab, "#checks-invert_extra_credit", "0.5")
    save(tab, "#answer-invert-comment", "Nearly there.")

    tab.goto(f"{formgrader}/manage_submissions/{UNIT}")
    row = tab.locator("tr", has_text="alice")
    row.locator(".generate-feedback a").click()
    tab.locator(".modal-body", has_text="Successfully generated feedback").wait_for(timeout=LONG_PATIENCE)
    text = page(course, "alice")
    assert "Nearly there." in text and "data:image/png;base64," in text
    assert [float(row["score"]) for row in exported(course)] == [score + 1.5]


def save(tab, field, value):
    """Types into a field of the page, and waits until the server has it."""
    with tab.expect_response(lambda response: "/api/" in response.url and response.request.method == "PUT"):
        tab.locator(field).fill(value)
        tab.locator(field).blur()
