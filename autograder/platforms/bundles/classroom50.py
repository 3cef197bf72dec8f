"""Grade the working directory, a student's checkout: this file is the `autograder.py` of a bundle for Classroom 50.

It is copied unchanged, so it imports the standard library alone. Nothing of the checkout is imported or executed: commands
run in the bundle's folder, and Python without the user's own packages. No link in the checkout is followed when results are
written. Exit code 0 means that the submission was graded, whatever its points; any other is an error, without a `result.json`.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
COURSE = HERE / "bundle"
#: Folder with an installed `autograder`, for a runner that has one; by default the bundle is installed.
INSTALLED = "AUTOGRADER_BIN"
RESULT, BODY = "result.json", "release-body.md"
_GRADED = (0, 1)


class NotGradedError(Exception):
    """Error: the submission could not be graded, and this is not the student's fault."""


def main() -> int:
    """Grade the working directory. Return the exit code for Classroom 50's runner."""
    checkout = Path.cwd()
    for name in (RESULT, BODY):
        remove(checkout / name)
    try:
        summary = grade(checkout)
    except Exception as error:
        # No kind of error gives anybody a result.
        for name in (RESULT, BODY):
            remove(checkout / name)
        print(f"::error::this could not be graded, by no fault of the student's: {one_line(str(error))}")
        tell("error", "not graded: an error of the grader's")
        return 2
    tell(*summary)
    return 0


def grade(checkout: Path) -> tuple[str, str]:
    """Grade a checkout and write its result and its body. Return the status and the summary."""
    settings = json.loads((HERE / "settings.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out"
        autograder = str(commands(Path(scratch)) / "autograder")
        variables = {"IDEALCAT_SECRET": settings["secret"], "IDEALCAT_COURSE": str(COURSE)}
        variables["SUBMISSION_DATETIME"] = commit_date(checkout)
        asked = ["grade", str(checkout), "--from", "one", "-o", str(out), "--units", settings["units"]]
        code, said = run([autograder, *asked], variables)
        stop = secrets.token_hex(16)
        print(f"::stop-commands::{stop}\n{said}\n::{stop}::")  # what a student has written is no command here
        if code not in _GRADED:
            raise NotGradedError(f"`autograder grade` ended with exit code {code}")
        texts = {}
        for form in ("classroom50", "classroom50-body"):
            shown = ["report", str(out), "--as", form, "--hidden", settings["hidden"]]
            code, texts[form] = run([autograder, *shown], variables, errors=False)
            if code:
                raise NotGradedError(f"there is no grade: `autograder report --as {form}` ended with exit code {code}")
    result = json.loads(texts["classroom50"])
    if not result["max-score"]:
        raise NotGradedError("nothing was checked")
    write(checkout / RESULT, texts["classroom50"])
    write(checkout / BODY, texts["classroom50-body"])
    heading = texts["classroom50-body"].splitlines()[0]
    status = "success" if result["score"] == result["max-score"] else "failure"
    return status, heading.rpartition(": ")[2]


def commands(scratch: Path) -> Path:
    """Return the folder that holds the `autograder` command; install the bundle if the runner names none."""
    if os.environ.get(INSTALLED):
        return Path(os.environ[INSTALLED])
    folder = scratch / "venv"
    constraints = ["-c", "constraints.txt"] if (COURSE / "constraints.txt").is_file() else []
    for command in (
        [sys.executable, "-I", "-m", "venv", str(folder)],
        [str(folder / "bin" / "python"), "-I", "-m", "pip", "install", "-q", "-e", ".", *constraints],
    ):
        code, said = run(command, {})
        if code:
            raise NotGradedError(f"{' '.join(command)} ended with exit code {code}: {said[-500:]}")
    return folder / "bin"


def run(command: list[str], variables: dict[str, str], *, errors: bool = True) -> tuple[int, str]:
    """Run a command in the bundle's folder. Return its exit code and what it printed."""
    done = subprocess.run(
        command,
        cwd=COURSE,
        env={**os.environ, "PYTHONNOUSERSITE": "1", "PYTHONSAFEPATH": "1", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if errors else None,
        encoding="utf-8",
        errors="replace",
    )
    return done.returncode, done.stdout


def commit_date(checkout: Path) -> str:
    """Return the date of the commit that is graded, the same at each regrading."""
    alone = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    code, said = run(["git", *alone, "-C", str(checkout), "log", "-1", "--no-show-signature", "--format=%ct"], {})
    if code:
        raise NotGradedError(f"the checkout has no commit: {said[-200:]}")
    return datetime.fromtimestamp(int(said), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write(path: Path, text: str) -> None:
    """Write a file in place of whatever is there; a link is replaced, and not followed."""
    remove(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def tell(status: str, summary: str) -> None:
    """Tell Classroom 50's runner the status of the run."""
    print(f"{status}: {summary}")
    if os.environ.get("GITHUB_OUTPUT"):
        with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
            file.write(f"status={status}\nsummary={one_line(summary)}\n")


def one_line(text: str) -> str:
    """Return text as the one line that a workflow command takes."""
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
