"""A sandbox that a command may use and not close."""


class Lent:
    """Stands in for the sandbox that a command opens, with one that is warm already."""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def __enter__(self):
        return self.sandbox

    def __exit__(self, *_):
        return None
