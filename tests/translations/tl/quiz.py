"""Quiz: isang letra sa bawat tanong."""

PRE = {1: "b", 2: "d", 3: "a", 4: "c", 5: "d", 6: "b"}
POST = {1: "a", 2: "c", 3: "b", 4: "d", 5: "c", 6: "a"}


def answers():
    letters = {f"pre_{number}": letter for number, letter in PRE.items()}
    letters.update({f"post_{number}": letter for number, letter in POST.items()})
    return letters
