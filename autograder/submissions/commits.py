"""Read when the checked-out commit of a clone was made, without letting the clone run anything.

A clone comes from a student. Its configuration and hooks can make git run programs, so git never sees them: it works in a
folder of its own, which borrows nothing but the clone's objects. `HEAD` and the branch are read here, as text.
"""

import contextlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

with contextlib.suppress(ImportError):  # POSIX alone has it
    import resource

_SECONDS = 20
_MEGABYTES = 1024
_TEXT_BYTES = 2**20
_HASH = re.compile(r"[0-9a-f]{40}")
_BRANCH = re.compile(r"ref: (?P<name>refs/[\w./+@-]+)")


def commit_date(clone: Path) -> str:
    """Return the committer's date of the commit that is checked out, ISO 8601 with its offset.

    It is empty if the folder is no whole clone, or if git is not installed.
    """
    store = clone / ".git"
    git = shutil.which("git")
    objects = store / "objects"
    if git is None or store.is_symlink() or not os.access(store, os.R_OK | os.X_OK):
        return ""
    if objects.is_symlink() or not objects.is_dir():
        return ""
    commit = _head(store)
    return _date(git, objects, commit) if commit else ""


def _head(store: Path) -> str:
    """Return the hash of the commit that is checked out; empty if none can be read."""
    text = _text(store / "HEAD").strip()
    branch = _BRANCH.fullmatch(text)
    if branch is not None and ".." not in branch["name"]:
        loose = _text(store / branch["name"]).strip()
        packed = (line.partition(" ") for line in _text(store / "packed-refs").splitlines())
        text = loose or next((value for value, _, name in packed if name == branch["name"]), "")
    return text if _HASH.fullmatch(text) else ""


def _text(path: Path) -> str:
    """Return the text of a plain file; empty for a link, a pipe or nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            return file.read(_TEXT_BYTES).decode("utf-8", "replace") if regular else ""
    except OSError:
        return ""


def _date(git: str, objects: Path, commit: str) -> str:
    """Return the date that git tells of a commit, in a repository that has nothing of the student's but the objects."""
    with tempfile.TemporaryDirectory() as folder:
        _make_repository(Path(folder))
        variables = {
            "PATH": os.defpath,
            "HOME": folder,
            "GIT_DIR": folder,
            "GIT_OBJECT_DIRECTORY": str(objects.resolve()),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
        }
        options = ["--no-pager", "--no-replace-objects"]
        try:
            done = subprocess.run(
                [git, *options, "log", "--no-walk", "--no-show-signature", "--format=%cI", commit],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                preexec_fn=_limit_memory if os.name == "posix" else None,
                check=False,
            )
        except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
            return ""
    date = done.stdout.strip()
    return date if done.returncode == 0 and re.fullmatch(r"[\d:T+Z-]{20,25}", date) else ""


def _make_repository(folder: Path) -> None:
    """Make an empty repository, without the programs that `git init` may run."""
    for name in ("objects", "refs"):
        (folder / name).mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/none\n")
    (folder / "config").write_text("[core]\nrepositoryformatversion = 0\nbare = true\n")


def _limit_memory() -> None:
    """Limit the memory of git: an object may be made to grow when it is unpacked."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEGABYTES * 2**20, _MEGABYTES * 2**20))
