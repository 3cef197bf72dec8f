"""The letters stand in a list."""


def answers():
    return ["a", "b", "c"]
