"""Sends replies that are well formed messages and no answers, to make the grader stumble."""

from autograder.worker import session
from autograder.worker.codec import encode


def reply(record, **forged):
    session.write = lambda *args: encode({"record": record, **forged})


def total_variation(images):
    reply("Answer", changed=())


def isotropic_variation(images, eps=1e-8):
    reply("Answer", value=1.0, changed=(5,), side_effects=((1,),))


def variation_loss(images):
    reply("Fault", kind="raised", kinds=5, text=[], frames=(("variation_loss.py", "x", None),))


def denoise(images, **options):
    reply("Fault", kind="missing", found={}, names=7)
