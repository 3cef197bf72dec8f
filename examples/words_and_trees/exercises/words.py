"""Words: take a text apart and count what is in it."""

import re
import sys
from collections import Counter


def tokenise(text: str) -> list[str]:
    """Return the words of a text, in order and in small letters.

    Args:
        text: any; a word is a run of letters of a to z, which may have apostrophes inside, as in `it's`.
    """
    # TODO: Find all words.
    raise NotImplementedError("tokenise")


def most_common(text: str, count: int) -> list[tuple[str, int]]:
    """Return the most frequent words of a text, each with its number; words as frequent as another by the alphabet.

    Args:
        text: any.
        count: how many words, at most.

    Raises:
        ValueError: `count` is below 1.
    """
    # TODO: Check the count, then count the words and sort them.
    raise NotImplementedError("most_common")


def main() -> None:
    """Print the most frequent words of the input: a line `fox 3` for each, as many as the first argument says.

    They are written into the file `words.txt` too.
    """
    # TODO: Read, print, write.
    raise NotImplementedError("main")


if __name__ == "__main__":
    main()
