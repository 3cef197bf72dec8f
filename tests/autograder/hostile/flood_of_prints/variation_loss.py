"""Prints 60 MB, a line at a time, in one piece, and to the descriptors."""

import os
import sys


def variation_loss(images):
    for number in range(20_000):
        print(f"layer {number}: " + "x" * 1000)
    sys.stderr.write("y" * 20_000_000)
    for _ in range(200):
        os.write(2, b"z" * 100_000)
    raise RuntimeError("printed it all")
