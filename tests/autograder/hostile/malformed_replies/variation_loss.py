"""Sends replies that are well formed messages and no answers, to make the grader stumble."""

from autograder import worker

encode = worker.encode


def reply(forged):
    worker.encode = lambda *args: encode(forged)


def total_variation(images):
    reply({"value": 1.0})


def isotropic_variation(images, eps=1e-8):
    reply({"value": 1.0, "changed": [5], "left": [[1]]})


def variation_loss(images):
    reply({"fault": "raised", "kinds": 5, "text": [], "frames": [["variation_loss.py", "x", None]]})


def denoise(images, **options):
    reply({"fault": "missing", "found": {}, "names": 7})
