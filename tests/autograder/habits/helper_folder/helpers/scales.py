"""Another module of that folder."""


def factor(norm, most):
    return min(1.0, most / norm) if norm > 0 else 1.0
