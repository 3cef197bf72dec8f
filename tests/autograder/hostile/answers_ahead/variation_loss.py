"""Answers calls that have not been made yet: a right loss once, and then the answer that the next checks want."""

import os
import struct

from autograder.worker.protocol import Fault, write


def variation_loss(images):
    reply = write(Fault("raised", "images", ("ValueError", "Exception")))
    os.write(3, 2 * (struct.pack("<Q", len(reply)) + reply))
    raise ValueError("images")
