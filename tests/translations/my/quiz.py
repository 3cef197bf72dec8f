"""မေးခွန်းများ၏ အဖြေ။"""


def answers() -> dict[str, str]:
    return {
        "pre_1": "b", "pre_2": "d", "pre_3": "a", "pre_4": "c", "pre_5": "d", "pre_6": "b",
        "post_1": "a", "post_2": "c", "post_3": "b", "post_4": "d", "post_5": "c", "post_6": "a",
    }  # fmt: skip
