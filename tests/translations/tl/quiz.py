"""Quiz: bago at pagkatapos ng lecture."""


def answers() -> dict[str, str]:
    # Nakasunod sa ayos ng mga tanong ang mga letra, tig-anim bawat bahagi.
    letters = {"pre": "bdacdb", "post": "acbdca"}
    return {f"{part}_{i}": letter for part, row in letters.items() for i, letter in enumerate(row, start=1)}
