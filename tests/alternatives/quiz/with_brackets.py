"""Letters as the questions print them, with their bracket."""

ANSWERS = {"pre": "bdacdb", "post": "acbdca"}


def answers() -> dict[str, str]:
    return {f"{part}_{i + 1}": f"{letter})" for part, letters in ANSWERS.items() for i, letter in enumerate(letters)}
