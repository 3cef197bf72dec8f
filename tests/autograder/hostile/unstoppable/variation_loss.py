"""Never ends: takes the deadline's alarm for itself, blocks every signal, catches every exception, and sleeps."""

import signal
import time


def variation_loss(images):
    while True:
        try:
            signal.signal(signal.SIGALRM, lambda *args: None)
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            while True:
                time.sleep(1e6)
        except BaseException:
            pass
