"""Known mistakes in words."""

import re
import sys
from collections import Counter

from autograder.diagnose import mistake


def _words(text):
    return re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower())


@mistake("tokenise", "The text is only split at spaces; marks such as a full stop belong to no word.")
def splits_at_spaces(text):
    return text.lower().split()


@mistake("tokenise", "Capital letters stay; words are in small letters.")
def keeps_capitals(text):
    return re.findall(r"[A-Za-z]+(?:'[A-Za-z]+)*", text)


@mistake("tokenise", "An apostrophe ends a word; inside of one it belongs to it.")
def cuts_at_apostrophes(text):
    return re.findall(r"[a-z]+", text.lower())


@mistake("most_common", "Words that are as frequent stay in the order of the text; they are sorted by the alphabet.")
def leaves_ties(text, count):
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    return Counter(_words(text)).most_common(count)


@mistake("most_common", "The count is not checked; below 1 it is a ValueError.")
def checks_nothing(text, count):
    return sorted(Counter(_words(text)).items(), key=lambda pair: (-pair[1], pair[0]))[:count]


@mistake("main", "The numbers are missing; each line has the word and how often it is there.")
def prints_words_alone():
    lines = [f"{word}\n" for word, _ in most_common(sys.stdin.read(), int(sys.argv[1]))]  # noqa: F821 # the solution's
    print("".join(lines), end="")
    with open("words.txt", "w") as file:
        file.writelines(lines)


@mistake("main", "Nothing is written into words.txt.")
def writes_nothing():
    for word, number in most_common(sys.stdin.read(), int(sys.argv[1])):  # noqa: F821 # the solution's
        print(word, number)
