"""Fills the disk with one large file and with many; at most 40 MB, should it succeed."""

import tempfile

FOLDERS = (".", "/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/home", "EVIDENCE", "COURSE")


def variation_loss(images):
    size = count = 0
    for folder in FOLDERS:
        for number in range(20):
            try:
                with open(f"{folder}/TRACE-{number}", "wb") as file:
                    count += 1
                    size += file.write(bytes(200_000))
            except OSError:
                pass
    try:
        tempfile.TemporaryFile().write(b"x")
        count += 1
    except OSError:
        pass
    raise RuntimeError(f"{size} bytes in {count} files were written")
