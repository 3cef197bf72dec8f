"""One line a question, with blanks that slipped in."""


def answers():
    given = {}
    given["pre_1"] = "b"
    given["pre_2"] = "d "
    given["pre_3"] = "a"
    given["pre_4"] = " c"
    given["pre_5"] = "d"
    given["pre_6"] = "B"
    given["post_1"] = "a"
    given["post_2"] = "c"
    given["post_3"] = "b"
    given["post_4"] = "D"
    given["post_5"] = "c"
    given["post_6"] = "a"
    return given
