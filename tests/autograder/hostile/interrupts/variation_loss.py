"""Raises what ends a program or interrupts a run of tests."""

import sys


def total_variation(images):
    sys.exit(0)


def variation_loss(images):
    raise KeyboardInterrupt


def denoise(images, **options):
    raise GeneratorExit
