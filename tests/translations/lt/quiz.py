"""Testas: po raidę kiekvienam klausimui."""


def answers():
    before = "bdacdb"
    after = "acbdca"
    return {
        f"{part}_{number}": letter
        for part, letters in (("pre", before), ("post", after))
        for number, letter in enumerate(letters, start=1)
    }
