"""Quiz: ပို့ချချက် မတိုင်မီနှင့် ပြီးနောက်။"""

BEFORE = "bdacdb"
AFTER = "acbdca"


def answers() -> dict[str, str]:
    # စာလုံးတစ်လုံးစီသည် မေးခွန်းတစ်ခုစီ၏ အဖြေ
    given = {}
    for part, letters in (("pre", BEFORE), ("post", AFTER)):
        for number, letter in enumerate(letters, start=1):
            given[f"{part}_{number}"] = letter
    return given
