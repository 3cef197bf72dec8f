"""Квиз: пре и после предавања."""


def answers() -> dict[str, str]:
    # Редом: прво шест питања пре предавања, па шест после њега.
    before = dict(zip(range(1, 7), "bdacdb"))
    after = dict(zip(range(1, 7), "acbdca"))
    return {f"pre_{i}": slovo for i, slovo in before.items()} | {f"post_{i}": slovo for i, slovo in after.items()}
