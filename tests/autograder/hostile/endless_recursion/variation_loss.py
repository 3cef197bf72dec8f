"""Recurs in C, deeper than the stack, where no version of Python has a limit of its own."""


def variation_loss(images):
    nested = iter([0])
    for _ in range(10**6):
        nested = map(abs, nested)
    return next(nested)
