"""nbgrader's formgrader in a real browser, as an instructor uses it: autograde, look, correct by hand, give feedback."""

import contextlib
import shutil
import socket
import subprocess
import sys
import threading

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

from tests.autograder.platforms.nbgrader_class import LIVE, Class, id_of
from tests.autograder.platforms.nbgrader_course import (
    environment,
    exported,
    grade_without_nbgrader,
    marks,
    nbgrader,
    page,
    released_course,
)
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
    for name in MALLORY:
        folder = students.hand_in(name, hostile_notebook(students))
        (folder / "page.html").write_text("<script>live('a file')</script>")
    return course


#: The second is the name of a folder, which formgrader would show as it is.
MALLORY = ("mallory", "<img src=x onerror=live()>")


def hostile_notebook(students):
    """A notebook with a script in everything that a page may show of it."""
    notebook = students.notebook(students.right())
    for number, cell in enumerate(notebook.cells):
        if id_of(cell) == "answer-invert":
            cell.source = f"# {LIVE[0]}\ndef invert(images):\n    print({LIVE[0]!r})\n    raise KeyError({EXCEPTION!r})"
            cell.metadata.tags = [f'">{LIVE[0]}']
        cell.id = f"{number}"
    picture = {"image/png": f'">{LIVE[0]}', "image/svg+xml": f"<svg onload=live()>{LIVE[0]}</svg>"}
    data = {
        "text/html": LIVE[0],
        "application/javascript": "live()",
        "text/markdown": LIVE[0],
        "text/latex": LIVE[0],
        **picture,
    }
    attached = {f"a{number}": {kind: text} for number, (kind, text) in enumerate(picture.items())}
    shown = "".join(f"![{LIVE[0]}](attachment:{name})\n\n" for name in attached)
    notebook.cells += [
        *(new_markdown_cell(text) for text in LIVE),
        *(new_raw_cell(text, metadata={"raw_mimetype": "text/html", "format": "text/html"}) for text in LIVE),
        *(new_code_cell("1", outputs=[new_output("display_data", data={kind: text})]) for kind, text in data.items()),
        new_code_cell("1", outputs=[new_output("stream", text=LIVE[0]), new_output("error", traceback=[LIVE[0]])]),
        new_markdown_cell(shown, attachments=attached),
        new_markdown_cell("[a file](page.html) and a note of mine"),
    ]
    notebook.metadata.title = f"</title>{LIVE[0]}"
    notebook.metadata.authors = [{"name": LIVE[0]}]
    notebook.metadata.language_info = {"name": "python", "pygments_lexer": f'">{LIVE[0]}'}
    states = {"state": {"x": f"</script>{LIVE[0]}"}, "version_major": 2, "version_minor": 0}
    notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": states}
    return notebook


EXCEPTION = f"</pre></textarea>{LIVE[0]}{LIVE[1]}[a link](javascript:live())"


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


#: What may not be inside the part of a page that shows a student's notebook, after whatever scripts of formgrader's have run.
ALIVE = """() => [...document.querySelectorAll("#notebook *")].filter(node =>
    /^(script|iframe|object|embed|form|meta|base|link|style|svg)$/i.test(node.nodeName)
    || [...node.attributes].some(each => each.name.startsWith("on"))
    || node.nodeName == "A" && node.href && !/^(https?|mailto):/.test(node.href)
    || node.nodeName == "A" && node.getAttribute("href")?.match(/^[^#h]/)
    || node.nodeName == "IMG" && node.src && !node.src.startsWith("data:image/")).map(node => node.outerHTML.slice(0, 200))"""


def test_nothing_of_a_students_is_live_in_an_instructors_browser(course, formgrader, tab):
    """In every view of formgrader's and on the feedback page, which is shown here as if formgrader had given it out."""
    # Without nbgrader's command too, which puts what students have said into comments.
    for grade in (lambda: nbgrader(course, "autograde", UNIT, "--force"), lambda: grade_without_nbgrader(course)[1]):
        assert f"submitted/{MALLORY[1]} is not graded" in " ".join(grade().split())
    nbgrader(course, "generate_feedback", UNIT)
    before = marks(course)
    lived, sent = [], []
    tab.expose_function("live", lambda *_: lived.append(tab.url))
    tab.on("dialog", lambda dialog: (lived.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda request: sent.append((request.method, request.url)))
    tab.route("**/feedback_page", lambda route: route.fulfill(body=page(course, "mallory"), content_type="text/html"))
    student = f"manage_students/{MALLORY[0]}"
    views = [
        "manage_assignments",
        f"manage_submissions/{UNIT}",
        "manage_students",
        student,
        f"{student}/{UNIT}",
        "feedback_page",
    ]
    for view in [*views, "gradebook", f"gradebook/{UNIT}", f"gradebook/{UNIT}/{UNIT}"]:
        tab.goto(f"{formgrader}/{view}")
        tab.wait_for_load_state("networkidle")
        assert tab.evaluate(ALIVE) == [], view
    submissions = tab.locator("a", has_text="Submission #").evaluate_all("links => links.map(link => link.href)")
    assert len(submissions) == 2
    for url in submissions:
        tab.goto(url)
        tab.wait_for_function("() => window.formgrader?.grades?.loaded && window.formgrader?.comments?.loaded")
        assert tab.evaluate(ALIVE) == [], url
        assert tab.goto(f"{url}page.html").status == 404  # MALLORY's file, which formgrader would give out
    assert lived == [] and {method for method, _ in sent} == {"GET"}
    assert [url for _, url in sent if "logout" in url or "//live" in url] == []
    assert marks(course) == before
    assert "a note of mine" in page(course, "mallory")


def test_in_stock_nbgrader_the_same_notebook_lives(course, formgrader, tab):
    """Otherwise the test above would show nothing."""
    lived = []
    tab.expose_function("lives", lambda path: lived.append(path))
    tab.add_init_script("window.live = () => window.lives(location.pathname)")
    submitted, graded = (course / folder / "mallory" / UNIT / f"{UNIT}.ipynb" for folder in ("submitted", "autograded"))
    shutil.copy(submitted, graded)
    tab.goto(f"{formgrader}/gradebook/{UNIT}/{UNIT}")
    tab.locator("a", has_text="Submission #").first.wait_for()
    for url in tab.locator("a", has_text="Submission #").evaluate_all("links => links.map(link => link.href)"):
        tab.goto(url)
        tab.wait_for_load_state("networkidle")
    assert lived
