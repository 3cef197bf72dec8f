"""Starts programs."""

import os
import subprocess


def variation_loss(images):
    if os.system("touch EVIDENCE/system") == 0:
        return images
    subprocess.run(["touch", "EVIDENCE/program"], check=True)
