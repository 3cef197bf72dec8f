"""A limit on the grader's own computing for a submission, so that no answer can stall it.

What a submission returns may be made to be slow to decode, to compare or to explain. Only the processor time of this process
is counted: not that of workers, and not the time in which another program has the processor.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

from autograder.errors import OverBudget

#: Seconds of processor time for one check; the course's own need less than one.
CHECK_SECONDS = 20.0
#: And for all checks of a submission.
SUBMISSION_SECONDS = 300.0
#: The exception is raised again after so long, in case something on its way has caught it.
_AGAIN_SECONDS = 1.0


class Budget:
    """The processor time that the grader may spend on one submission. It is kept in the main thread alone, and on POSIX.

    Args:
        check: seconds for one check.
        submission: seconds for all checks together.
    """

    def __init__(self, check: float = CHECK_SECONDS, submission: float = SUBMISSION_SECONDS) -> None:
        self._check = check
        self._left = self._submission = submission

    @contextlib.contextmanager
    def check(self) -> Iterator[None]:
        """Limit what runs inside.

        Raises:
            OverBudget: it has taken longer than a check may, or than was left for the submission.
        """
        if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
            yield
            return
        whole = f"judging this submission took the grader longer than {self._submission:g} s; the rest is not judged"
        if self._left <= 0:
            raise OverBudget(whole)
        limit, last = min(self._check, self._left), self._left <= self._check

        def stop(_: int, __: FrameType | None) -> None:
            if last:
                self._left = 0.0
                raise OverBudget(whole)
            raise OverBudget(f"judging what came back took the grader longer than {limit:g} s, so it was stopped")

        began = time.process_time()
        previous = signal.signal(signal.SIGPROF, stop)
        signal.setitimer(signal.ITIMER_PROF, limit, _AGAIN_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, previous)
            self._left -= time.process_time() - began
