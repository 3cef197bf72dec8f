"""Shortcuts in quiz: letters that nobody has thought about."""

import random

from autograder.diagnose import mistake

QUESTIONS = [f"{part}_{number}" for part in ("pre", "post") for number in range(1, 7)]


@mistake("answers", "Every answer is d.")
def all_d():
    return dict.fromkeys(QUESTIONS, "d")


@mistake("answers", "All answers but one are b, so that they are not all the same.")
def nearly_all_b():
    return {**dict.fromkeys(QUESTIONS, "b"), "post_6": "c"}


@mistake("answers", "The letters come in turn.")
def letters_in_turn():
    return dict(zip(QUESTIONS, "abcdabcdabcd", strict=True))


@mistake("answers", "The letters are drawn by lot.")
def letters_by_lot():
    return dict(zip(QUESTIONS, random.Random(0).choices("abcd", k=len(QUESTIONS)), strict=True))


@mistake("answers", "The first question alone is answered, with the letter that may be right.")
def one_answer():
    return {"pre_1": "b"}
