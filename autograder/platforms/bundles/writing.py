"""Write a bundle as a folder, and as a zip of the same files."""

import io
import stat
import zipfile
from pathlib import Path

from autograder.errors import UsageError
from autograder.platforms.bundles.fingerprints import Files

#: The same for every file, so that the same course gives the same zip.
_EPOCH = (2020, 1, 1, 0, 0, 0)


def write_bundle(files: Files, folder: Path) -> Path:
    """Write a bundle into a new folder, and as a zip beside it.

    Args:
        files: by path inside the bundle.
        folder: must not exist yet, or be empty.

    Returns:
        The zip.

    Raises:
        UsageError: there is something already.
    """
    archive = require_free(folder)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(_mode(content))
    archive.write_bytes(zip_of(files))
    return archive


def require_free(folder: Path) -> Path:
    """Return the path of the zip beside a folder.

    Raises:
        UsageError: there is something already.
    """
    archive = folder.with_name(f"{folder.name}.zip")
    if archive.exists() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise UsageError(f"there is a {folder} or {archive.name} already; name a new folder, or remove them first")
    return archive


def zip_of(files: Files) -> bytes:
    """Return a zip of a bundle's files; the same files give the same bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = (stat.S_IFREG | _mode(content)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return archive.getvalue()


def _mode(content: bytes) -> int:
    """Return the permissions of a file: executable if it begins as a script."""
    return 0o755 if content.startswith(b"#!") else 0o644
