def answers__numbers_for_letters():
    return {
        "pre_1": 2, "pre_2": 4, "pre_3": 1, "pre_4": 3, "pre_5": 4, "pre_6": 2,
        "post_1": 1, "post_2": 3, "post_3": 2, "post_4": 4, "post_5": 3, "post_6": 1,
    }  # fmt: skip


def answers__questions_by_number():
    before, after = "bdacdb", "acbdca"
    return {i + 1: letter for i, letter in enumerate(before + after)}
