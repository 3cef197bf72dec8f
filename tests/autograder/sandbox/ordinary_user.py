"""Run a command as an ordinary user with a home of its own: `python ordinary_user.py COMMAND [ARG...]`.

Started by root it becomes a user that owns nothing. Where the interpreter or the course lies below a folder that is closed to
others, as in root's home, it first lays an open folder over that one, which holds just what is needed and which nobody else
sees. Started by an ordinary user it changes the surroundings alone.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from autograder.sandbox import kernel

ROOT = Path(__file__).resolve().parents[3]
UID = 54321
#: The cache apart from the rest: a submission may read it.
FOLDERS = {
    "TMPDIR": "tmp",
    "XDG_CONFIG_HOME": ".config",
    "XDG_CACHE_HOME": ".cache",
    "XDG_DATA_HOME": ".local",
    "IDEALCAT_CACHE": "idealcat",
}


def main() -> int:
    """Runs the command that the arguments are, in a child: its exit code."""
    with tempfile.TemporaryDirectory(prefix="idealcat-user-") as home:
        pid = os.fork()
        if not pid:
            if os.geteuid() == 0:
                open_the_way([Path(sys.prefix), Path(sys.base_prefix), ROOT, *packages()])
                become_ordinary(home)
            os.execvpe(sys.argv[1], sys.argv[1:], surroundings(home))
        _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def packages() -> Iterator[Path]:
    """Return the folders that packages are imported from."""
    return (Path(entry) for entry in sys.path if Path(entry).is_dir())


def open_the_way(needed: list[Path]) -> None:
    """Lets everybody pass to these folders, in a view of the file system that this process alone has."""
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    held = {path: os.open(path, os.O_PATH) for path in map(Path.resolve, needed)}
    for path in sorted(held):
        closed = [folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001]
        if closed:
            kernel.mount("tmpfs", closed[0], "tmpfs", 0, "mode=755")
        if not path.exists():
            path.mkdir(parents=True)
            kernel.mount(f"/proc/self/fd/{held[path]}", path, "", kernel.MS_BIND | kernel.MS_REC)


def become_ordinary(home: str) -> None:
    """A user without rights and without groups, who owns the home."""
    os.chown(home, UID, UID)
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)


def surroundings(home: str) -> dict[str, str]:
    """An environment in which everything that is written goes to the home."""
    folders = {name: f"{home}/{folder}" for name, folder in FOLDERS.items()}
    for folder in folders.values():
        Path(folder).mkdir()
    user = {"USER": "ordinary", "LOGNAME": "ordinary", "IDEALCAT_SECRET": "of an ordinary user", "LANG": "C.UTF-8"}
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, **user, **folders}


if __name__ == "__main__":
    sys.exit(main())
