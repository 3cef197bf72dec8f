"""Checks of words, in plain pytest."""

import pytest

FABLE = "The fox saw grapes. The grapes hung high; it's the fox's fate!"


@pytest.mark.points("tokenise", 1.5)
@pytest.mark.parametrize(
    ("text", "words"),
    [("The fox, the FOX.", ["the", "fox", "the", "fox"]), ("it's 2 o'clock'", ["it's", "o'clock"])],
)
def test_words_are_found(submission, text, words):
    """Words are found in order, in small letters and without marks."""
    assert submission.tokenise(text) == words


@pytest.mark.points("most_common", 1)
def test_the_most_common_come_first(submission):
    """The most frequent words come first, with their numbers, and equally frequent ones by the alphabet."""
    assert submission.most_common(FABLE, 3) == [("the", 3), ("grapes", 2), ("fate", 1)]


@pytest.mark.points("most_common", 1)
def test_a_count_below_one(submission):
    """A count below 1 is a ValueError, and 1 is none."""
    with pytest.raises(ValueError):
        submission.most_common(FABLE, 0)
    assert submission.most_common(FABLE, 1) == [("the", 3)]


@pytest.mark.hidden
@pytest.mark.points("most_common", 1)
def test_any_text(submission, reference, dice):
    """Any text is counted."""
    text = " ".join(dice.choice(["fox", "crow", "cheese", "tree", "Fox"], 40))
    assert submission.most_common(text, 3) == reference.most_common(text, 3)


@pytest.mark.points("main", 2)
def test_the_program_prints(submission):
    """The program prints the most frequent words of its input."""
    program = submission.run(stdin=FABLE, args=["2"])
    assert program.output == "the 3\ngrapes 2\n", program.error


@pytest.mark.points("main", 2)
def test_the_program_writes(submission, partial):
    """The program writes what it prints into words.txt."""
    program = submission.run(stdin=FABLE, args=["1"])
    assert program.output == "the 3\n", program.error
    partial(0.25)
    assert program.files == {"words.txt": "the 3\n"}
