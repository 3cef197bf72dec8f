"""Plants links and devices where the grader will tidy up or read, and changes modes and owners."""

import os

FOLDERS = (".", "EVIDENCE")
WAYS = (
    lambda folder: os.symlink("/etc", f"{folder}/link"),
    lambda folder: os.link("COURSE/exercises/catalog.toml", f"{folder}/hard"),
    lambda folder: (os.mkfifo(f"{folder}/pipe"), os.chmod(folder, 0o777)),
)


def made(way, folder):
    try:
        way(folder)
    except OSError:
        return False
    return True


def variation_loss(images):
    count = sum(made(way, folder) for way in WAYS for folder in FOLDERS)
    raise RuntimeError(f"{count} of {len(WAYS) * len(FOLDERS)} links and files were made")
