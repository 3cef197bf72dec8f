"""Catches the exception that its deadline raises, and goes on as if it had all the time it wants."""


def variation_loss(images):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
