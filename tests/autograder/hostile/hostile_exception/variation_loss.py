"""Raises an exception that cannot be printed, whose type lies about its name."""


class Silent(Exception):
    def __str__(self):
        raise SystemExit

    __repr__ = __str__


def variation_loss(images):
    raise Silent
