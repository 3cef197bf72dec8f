"""Forks as often as it can; at most 20 times, should it succeed."""

import os
import signal


def variation_loss(images):
    for _ in range(20):
        if not os.fork():
            signal.alarm(10)
            signal.pause()
