"""Dies in a way that dumps its memory to the disk."""

import os


def variation_loss(images):
    os.chdir("EVIDENCE") if os.path.exists("EVIDENCE") else None
    os.abort()
