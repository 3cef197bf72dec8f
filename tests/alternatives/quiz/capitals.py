"""Capital letters, the second part first."""


def answers():
    after = dict(zip(("post_" + number for number in "123456"), "ACBDCA", strict=True))
    before = dict(zip(("pre_" + number for number in "123456"), "BDACDB", strict=True))
    return {**after, **before}
