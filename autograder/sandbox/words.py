"""What stands between a submission and this machine, in words."""

from collections.abc import Iterable, Iterator, Mapping

#: Every rung, from the outside in, and what it keeps from happening.
KEEPS = {
    "process": "a submission runs in a process of its own, without the grader's memory",
    "ipc_namespace": "shares no memory or message queue with other programs",
    "network_namespace": "reaches no network, not even this machine's own",
    "mount_namespace": "sees only the interpreter, its libraries and the course's data, read-only",
    "pid_namespace": "sees no process of this machine; all that it starts ends with it",
    "session": "has no terminal",
    "own_uid": "is a user of its own, who owns nothing",
    "no_capabilities": "has none of root's powers",
    "parent_death": "ends when the grader ends",
    "rlimits": "processor time, memory and open files are limited; it writes no file",
    "thread_limit": "cannot start threads without end",
    "no_new_privs": "gains no rights by running a program",
    "landlock": "may open only the interpreter, its libraries and the course's data",
    "seccomp": "makes only the system calls that computing needs: no sockets, no programs",
    "deadline": "is killed when its time is over",
}


def diagnosis(isolation: Iterable[str], missing: Mapping[str, str]) -> Iterator[str]:
    """One line for each rung: whether it holds, and if not, why."""
    holding = set(isolation)
    for name, keeps in KEEPS.items():
        if name in holding:
            yield f"+ {name:<19}{keeps}"
        elif name in missing:
            yield f"x {name:<19}missing: {missing[name]}"
