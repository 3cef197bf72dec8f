"""Says that functions and methods are missing, offers as many names as a reply holds, and gives the wanted one no end either."""

import random

from autograder.worker import session
from autograder.worker.codec import Handle
from autograder.worker.protocol import Answer, Fault

LETTERS = "".join(random.Random(1).choices("ab", k=14_000))
NAMES = tuple(LETTERS[start : start + 4_000] for start in range(0, 9_999, 250))
NAMES += tuple(LETTERS[start : start + 199] for start in range(9_900))


def forged(self, request):
    if request.function == "build_head":
        return Answer(Handle(0, LETTERS[7:206]))
    return Fault("missing", text=LETTERS[7:206] if request.on is not None else "", names=NAMES)


session.Session._call = forged
