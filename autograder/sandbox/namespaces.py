"""Namespaces: the fork server's own network, processes and file system, which all its workers share and cannot leave.

They are made once for a server, so that a worker costs nothing more. What cannot be had is left out, with the reason.
"""

import functools
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from autograder.sandbox import kernel
from autograder.sandbox.kernel import reason_against

KINDS = {
    "ipc_namespace": kernel.CLONE_NEWIPC,
    "network_namespace": kernel.CLONE_NEWNET,
    "mount_namespace": kernel.CLONE_NEWNS,
    "pid_namespace": kernel.CLONE_NEWPID,
}


def enter(without: Collection[str]) -> dict[str, str]:
    """Enter a new namespace of each kind that can be had. With a pid namespace it returns in a child of this process.

    Returns:
        The reason for each namespace that was not entered, by its name.
    """
    missing = {name: "switched off" for name in KINDS if name in without}
    if os.geteuid() and len(missing) < len(KINDS):
        reason = reason_against(_enter_user_namespace, functools.partial(kernel.unshare, kernel.CLONE_NEWNS))
        if reason:
            return dict.fromkeys(KINDS, f"an ordinary user needs a user namespace first: {reason}") | missing
        _enter_user_namespace()
    for name, flag in KINDS.items():
        # One at a time: one that is refused leaves the others.
        reason = missing.get(name) or reason_against(functools.partial(kernel.unshare, flag))
        if reason:
            missing[name] = reason
        else:
            kernel.unshare(flag)
    if "mount_namespace" not in missing:
        kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)  # nothing mounted here is seen outside
    kernel.die_with_parent()  # here, because a new user namespace undoes it
    if "pid_namespace" not in missing:
        _move_into_child()
    return missing


def show_own_processes() -> None:
    """Mount `/proc` anew, so that a worker finds itself there by the number that it has in its pid namespace.

    CUDA's driver does not start otherwise. Nothing is shown of other users' processes, the server's among them.

    Raises:
        OSError: the kernel refuses it.
    """
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)  # nothing mounted here is seen outside
    kernel.mount("proc", "/proc", "proc", 0, "hidepid=2")


def reason_against_view(readable: Iterable[Path], folder: Path) -> str:
    """Return why `confine_view` cannot be done, or nothing if it can."""
    return reason_against(
        functools.partial(kernel.unshare, kernel.CLONE_NEWNS),
        functools.partial(confine_view, readable, folder),
        functools.partial(open, os.__file__),
    )


def confine_view(readable: Iterable[Path], folder: Path) -> None:
    """Hide the file system but for these paths and the folder, which stay in their places, read-only.

    The folders above them are made anew, open to everybody: a Python in a home that is closed to others can be read.

    Raises:
        OSError: the kernel refuses some step, halfway.
    """
    root = folder / "root"
    root.mkdir(exist_ok=True)
    kernel.mount("tmpfs", root, "tmpfs", 0, "mode=755,size=1m")
    for path in (*readable, folder):
        _show(path, root)
    kernel.enter_root(root)
    kernel.make_read_only("/", below=False)


def _enter_user_namespace() -> None:
    """Enter a user namespace, in which an ordinary user may make the others."""
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _move_into_child() -> None:
    """Go on in a child, as a pid namespace holds its maker's children alone; the maker waits here, and ends with the child."""
    pid = os.fork()
    if pid:
        os.closerange(0, 4096)
        _, status = os.waitpid(pid, 0)
        os._exit(os.waitstatus_to_exitcode(status) % 256)
    kernel.die_with_parent()


def _show(path: Path, root: Path) -> None:
    """Make a path of the old root visible in the new one; a link on the way stays a link."""
    for part in (*reversed(path.parents), path):
        if part.is_symlink():
            _link(part, root)
            _show(Path(os.path.normpath(part.parent / part.readlink() / path.relative_to(part))), root)
            return
    place = _inside(root, path)
    if path.exists() and not place.is_mount():
        _make_place(place, path.is_dir())
        kernel.mount(path, place, "", kernel.MS_BIND | kernel.MS_REC)
        if Path("/dev") not in path.parents:  # the null device is there to be written to
            kernel.make_read_only(place)


def _link(link: Path, root: Path) -> None:
    place = _inside(root, link)
    if not (place.is_symlink() or place.exists()):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(link.readlink())


def _make_place(place: Path, is_folder: bool) -> None:
    (place if is_folder else place.parent).mkdir(parents=True, exist_ok=True)
    if not is_folder:
        place.touch()


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")
