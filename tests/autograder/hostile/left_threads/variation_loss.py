"""Leaves threads running, which are to answer, and to change what later calls find, when its own call is over."""

import os
import threading
import time


def meddle():
    for _ in range(600):
        time.sleep(0.1)
        os.environ["LEFT"] = "running"
        with open("EVIDENCE/thread", "w"):
            pass


def variation_loss(images):
    assert "LEFT" not in os.environ and threading.active_count() == 1
    threading.Thread(target=meddle).start()
    raise RuntimeError("the thread goes on")
