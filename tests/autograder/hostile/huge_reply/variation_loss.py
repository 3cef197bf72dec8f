"""Announces a reply of 4 exabytes."""

import os
import struct


def variation_loss(images):
    os.write(3, struct.pack("<Q", 2**62))
