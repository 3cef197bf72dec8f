"""Fills every text of a reply with megabytes, which the result would hold and the grader would compare."""

from autograder.worker import session
from autograder.worker.codec import encode


write = session.write


def reply(**forged):
    """Forge the next reply, and no other: the worker goes on serving."""

    def forge(*args):
        session.write = write
        return encode({"record": "Fault", **forged})

    session.write = forge


def total_variation(images):
    reply(kind="missing", names=tuple(f"total_variatio{number}" for number in range(40_000)))


def isotropic_variation(images, eps=1e-8):
    reply(kind="signature", text="x" * 7_000_000, signature="y" * 1_000_000)


def variation_loss(images):
    reply(kind="raised", kinds=("Error",) * 40_000, text="x" * 7_000_000)


def denoise(images, **options):
    return {"x" * 1000 * number: images for number in range(50)}
