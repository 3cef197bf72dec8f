"""Returns an object that runs a program when it is unpickled, as itself and as pickled bytes in a tensor's place."""

import pathlib


class Payload:
    def __reduce__(self):
        return pathlib.Path("EVIDENCE/unpickled").touch, ()


def variation_loss(images):
    return Payload()
