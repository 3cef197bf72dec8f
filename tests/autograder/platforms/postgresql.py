"""A PostgreSQL server of the tests' own, in a folder that goes away with it."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote


def programs():
    """The folder of Debian's server, or of any that is on the path; None where there is none."""
    on_path = shutil.which("initdb")
    # Debian keeps them off the path, one folder for each version.
    found = [*([Path(on_path)] if on_path else []), *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    return found[-1].parent if found else None


@contextlib.contextmanager
def server():
    """The URL of a database on a server that listens to a socket in a folder, and to nothing else."""
    folder = Path(tempfile.mkdtemp(prefix="idealcat-postgresql-"))
    user = _ordinary_user()
    try:
        if user:
            os.chown(folder, user["user"], user["group"])
        folder.chmod(0o711)

        def run(program, *args):
            subprocess.run([programs() / program, *args], cwd=folder, check=True, capture_output=True, **user)

        data = folder / "data"
        run("initdb", "-D", data, "-U", "instructor", "-A", "trust", "-E", "UTF8", "--no-sync")
        settings = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", settings, "start")
        try:
            yield f"postgresql://instructor@/postgres?host={quote(str(folder), safe='')}"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _ordinary_user():
    """For `subprocess`: the server refuses to be root's."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
