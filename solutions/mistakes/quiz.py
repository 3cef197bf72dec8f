"""Known mistakes in quiz: ways of answering that cannot be read, and common misconceptions.

The sentences may be shown to a student: each says what to think about again, and none which letter is right.
"""

from autograder.diagnose import mistake

_KEY = {
    "pre_1": "b",
    "pre_2": "d",
    "pre_3": "a",
    "pre_4": "c",
    "pre_5": "d",
    "pre_6": "b",
    "post_1": "a",
    "post_2": "c",
    "post_3": "b",
    "post_4": "d",
    "post_5": "c",
    "post_6": "a",
}


@mistake("answers", "Every answer is a, which counts as no answer; read the questions, and choose for each.")
def all_a():
    return dict.fromkeys(_KEY, "a")


@mistake("answers", "Every answer is c, which counts as no answer; read the questions, and choose for each.")
def all_c():
    return dict.fromkeys(_KEY, "c")


@mistake("answers", "The answers are numbers; give letters instead: the first answer of a question is a.")
def gives_numbers():
    return {question: "abcd".index(letter) + 1 for question, letter in _KEY.items()}


@mistake("answers", "The questions go by their numbers alone; there is a first one in both parts, pre_1 and post_1.")
def numbers_the_questions():
    return {str(number): letter for number, letter in enumerate(_KEY.values(), 1)}


@mistake("answers", "The questions are numbers from 1 to 12; give them their names, such as pre_1 and post_1.")
def counts_the_questions():
    return dict(enumerate(_KEY.values(), 1))


@mistake("answers", "This is a list of letters; write a dict, so that each letter stands beside its question.")
def gives_a_list():
    return list(_KEY.values())


@mistake("answers", "The names of the questions are written with capitals; copy them as they are, such as pre_1.")
def capitalises_the_questions():
    return {question.capitalize(): letter for question, letter in _KEY.items()}


@mistake("answers", "The second part is not answered yet: come back to it after the lecture.")
def answers_the_first_part():
    return {question: letter for question, letter in _KEY.items() if question.startswith("pre")}


@mistake("answers", "All right but post_1: think of what each mode does to the statistics of batch norm.")
def trains_the_frozen_backbone():
    return {**_KEY, "post_1": "b"}


@mistake(
    "answers", "All right but post_3: if a network learnt while it makes an ideal image, what would the image show?"
)
def trains_the_head_on_an_image():
    return {**_KEY, "post_3": "a"}


@mistake("answers", "All right but post_5: think of how far an attack could drift in a hundred steps.")
def drifts_with_the_steps():
    return {**_KEY, "post_5": "a"}


@mistake("answers", "All right but pre_5: what would make such a picture a danger, when people look at it?")
def takes_blur_for_an_attack():
    return {**_KEY, "pre_5": "a"}
