"""Starts threads without end; at most 300, should it succeed, which end when it does."""

import threading


def variation_loss(images):
    wait, started = threading.Event(), []
    threading.stack_size(2**16)
    try:
        for _ in range(300):
            started.append(threading.Thread(target=wait.wait, daemon=True))
            started[-1].start()
    except RuntimeError as error:
        raise RuntimeError(f"no more than {-(-len(started) // 64) * 64} threads: {error}") from error
    finally:
        wait.set()
