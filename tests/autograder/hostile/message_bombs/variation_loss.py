"""Forges the bytes of messages: impossible shapes, endless depth, unknown types, lengths that do not add up."""

import msgpack

from autograder.worker import session


def reply(node, body=b"", claimed=None):
    header = node if type(node) is bytes else msgpack.packb(node)
    length = len(header) if claimed is None else claimed
    session.write = lambda *args: b"ICM1" + length.to_bytes(4, "little") + len(body).to_bytes(8, "little") + header + body


def answer(node):
    return ["dict", [["record", "Answer"], ["value", node]]]


def total_variation(images):
    reply(answer(["tensor", "float32", [2**31, 2**29, 0, 1], False, 0]))


def isotropic_variation(images, eps=1e-8):
    reply(b"\x91" * 100_000 + b"\x90")


def variation_loss(images):
    reply(answer(["array", "O", [1], 8]), b"\0" * 8)


def denoise(images, **options):
    reply(["list", []], claimed=2**32 - 1)
