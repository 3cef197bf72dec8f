"""Run `make test` on each Python version that the project supports: `python -m tools.pythons`, or `make test-pythons`.

Each version has a virtual environment of its own beside this one's, `.venv-3.12` and so on. Its interpreter is looked for
on the path, among those of pyenv, and by uv if that is installed. Versions without an interpreter are named at the end.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13")


def interpreter(version: str) -> str:
    """Return the path of an interpreter of a version such as `3.12`; empty if there is none."""
    return next((path for path in _candidates(version) if _version_of(path) == version), "")


def _candidates(version: str) -> Iterator[str]:
    yield from filter(None, [shutil.which(f"python{version}")])
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True))
    uv = shutil.which("uv")
    if uv:
        yield _output_of([uv, "python", "find", "--no-project", version])


def _version_of(path: str) -> str:
    """Return the version of an interpreter; empty if it does not run, as a shim of pyenv for a version that is gone."""
    return _output_of([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]) if path else ""


def _output_of(command: list[str]) -> str:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return ran.stdout.strip()


def main() -> None:
    """Run the tests on each version, and print how they ended."""
    parser = argparse.ArgumentParser(prog="python -m tools.pythons", description=__doc__)
    parser.add_argument("versions", nargs="*", default=VERSIONS, help="such as 3.12; all by default")
    options = parser.parse_args()
    outcomes = {}
    for version in options.versions:
        path = interpreter(version)
        if path:
            print(f"Python {version}: {path}", flush=True)
            # GNU make would take the outer run's variables along.
            environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
            command = ["make", "test", f"VENV=.venv-{version}", f"PYTHON={path}"]
            code = subprocess.run(command, cwd=ROOT, env=environment).returncode
            outcomes[version] = "passed" if code == 0 else "FAILED"
        else:
            outcomes[version] = "missing: no such interpreter was found"
    for version, outcome in outcomes.items():
        print(f"Python {version}: {outcome}")
    sys.exit("FAILED" in outcomes.values() or "passed" not in outcomes.values())


if __name__ == "__main__":
    main()
