"""The answers are made and not returned."""


def answers():
    chosen = {"pre_1": "a"}
    chosen["pre_2"] = "b"
