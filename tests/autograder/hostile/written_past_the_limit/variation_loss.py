"""Writes a reply of 260 MB itself, with the number of the request, past the worker's own limit."""

import os
import struct
import sys


def variation_loss(*_, **__):
    frame, nonce = sys._getframe(), b""
    while frame is not None and not nonce:
        found = [value for value in frame.f_locals.values() if type(value) is bytes and len(value) == 16]
        frame, nonce = frame.f_back, found[0] if found else b""
    block = b"\0" * 2**20
    os.write(3, struct.pack("<Q", 16 + 260 * 2**20) + (nonce or b"\0" * 16))
    for _ in range(260):
        os.write(3, block)
