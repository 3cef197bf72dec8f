"""Checks of quiz. The first line of each docstring is what the student reads.

Whether an answer is right is judged in hidden checks, against the solution, and no message says what the right letter is.
"""

import pytest

from autograder.compare import assert_holds, show

QUESTIONS = (*(f"pre_{number}" for number in range(1, 7)), *(f"post_{number}" for number in range(1, 7)))
LETTERS = ("a", "b", "c", "d")
#: So many of a part's six answers must be right. Random letters get there once in 27 times, and earn 0.35 points on average.
ENOUGH = 4


def letter(value):
    """An answer as it is meant: "B", " b) " and a line of a file with its end are b. Nothing where it is no text."""
    return "".join(value.split()).strip("().").lower() if isinstance(value, str) else ""


def assert_answered(given):
    """A dict comes back, and not one and the same letter for whatever is asked."""
    assert_holds(isinstance(given, dict), f"returned {show(given)}, expected a dict from questions to letters", given)
    letters = {letter(answer) for answer in given.values()}
    if len(letters) == 1 and letters.isdisjoint(LETTERS):
        assert_letter(given, next(iter(given)))
    assert_holds(
        len(given) < 6 or len(letters) > 1,
        f"gives the same letter {len(given)} times, which counts as no answer",
        given,
    )


def assert_letter(given, question):
    """An answer is one of the letters."""
    answer = given[question]
    problem = f"answers {question} with {show(answer)}, expected one letter from a to d"
    assert_holds(letter(answer) in LETTERS, problem, given)


def is_right(given, key, question):
    """The student's answer to a question is the solution's."""
    return letter(given.get(question)) == key[question]


def assert_beyond_guessing(given, key, part):
    """Enough answers of a part are right to tell that they are no guesses."""
    right = sum(is_right(given, key, question) for question in QUESTIONS if question.startswith(part))
    assert_holds(
        right >= ENOUGH,
        f"gives fewer than {ENOUGH} right answers to the questions {part}_1 to {part}_6, "
        "so that none of them counts: as many can be guessed",
        given,
    )


def judge(submission, reference, question):
    """The student's answer to one question is the solution's, and is no guess."""
    given, key = submission.answers(), reference.answers()
    assert_answered(given)
    assert_holds(question in given, f"gives no answer to {question}", given)
    assert_letter(given, question)
    assert_holds(is_right(given, key, question), f"gives an answer to {question} that is not the best one", given)
    assert_beyond_guessing(given, key, question.partition("_")[0])


def judge_part(submission, reference, part):
    """Enough of the answers to a part are right."""
    given = submission.answers()
    assert_answered(given)
    assert_beyond_guessing(given, reference.answers(), part)


# What can be told without the right answers earns nothing.
@pytest.mark.points("answers", 0)
def test_answers_are_letters(submission):
    """A dict comes back, from questions of the quiz to letters from a to d, and not to the same letter throughout."""
    given = submission.answers()
    assert_answered(given)
    assert_holds(bool(given), "returned an empty dict, expected at least one answer", given)
    for question in given:
        assert_holds(question in QUESTIONS, f"answers {show(question)}, which is no question of the quiz", given)
        assert_letter(given, question)


@pytest.mark.points("answers", 0.5)
@pytest.mark.hidden
def test_answers_before_the_lecture(submission, reference):
    """Four or more of the six answers before the lecture are right."""
    judge_part(submission, reference, "pre")


@pytest.mark.points("answers", 0.5)
@pytest.mark.hidden
def test_answers_after_the_lecture(submission, reference):
    """Four or more of the six answers after the lecture are right."""
    judge_part(submission, reference, "post")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_pre_1(submission, reference):
    """Question 1 before the lecture: what transfer learning does with a trained network."""
    judge(submission, reference, "pre_1")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_pre_2(submission, reference):
    """Question 2 before the lecture: what the first layers respond to."""
    judge(submission, reference, "pre_2")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_pre_3(submission, reference):
    """Question 3 before the lecture: what freezing means."""
    judge(submission, reference, "pre_3")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_pre_4(submission, reference):
    """Question 4 before the lecture: why data is held back."""
    judge(submission, reference, "pre_4")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_pre_5(submission, reference):
    """Question 5 before the lecture: what an adversarial image is."""
    judge(submission, reference, "pre_5")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_pre_6(submission, reference):
    """Question 6 before the lecture: where features of photos help least."""
    judge(submission, reference, "pre_6")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_post_1(submission, reference):
    """Question 1 after the lecture: the mode of a frozen backbone."""
    judge(submission, reference, "post_1")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_post_2(submission, reference):
    """Question 2 after the lecture: what to do when validation loss rises."""
    judge(submission, reference, "post_2")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_post_3(submission, reference):
    """Question 3 after the lecture: what changes when an ideal image is made."""
    judge(submission, reference, "post_3")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_post_4(submission, reference):
    """Question 4 after the lecture: what the variation loss is for."""
    judge(submission, reference, "post_4")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_post_5(submission, reference):
    """Question 5 after the lecture: what projected gradient descent makes sure of."""
    judge(submission, reference, "post_5")


@pytest.mark.points("answers", 1)
@pytest.mark.hidden
def test_post_6(submission, reference):
    """Question 6 after the lecture: what is different in a targeted attack."""
    judge(submission, reference, "post_6")
