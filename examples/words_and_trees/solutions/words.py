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
    ### BEGIN SOLUTION
    return re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower())
    ### END SOLUTION


def most_common(text: str, count: int) -> list[tuple[str, int]]:
    """Return the most frequent words of a text, each with its number; words as frequent as another by the alphabet.

    Args:
        text: any.
        count: how many words, at most.

    Raises:
        ValueError: `count` is below 1.
    """
    # TODO: Check the count, then count the words and sort them.
    ### BEGIN SOLUTION
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    return sorted(Counter(tokenise(text)).items(), key=lambda pair: (-pair[1], pair[0]))[:count]
    ### END SOLUTION


def main() -> None:
    """Print the most frequent words of the input: a line `fox 3` for each, as many as the first argument says.

    They are written into the file `words.txt` too.
    """
    # TODO: Read, print, write.
    ### BEGIN SOLUTION
    lines = [f"{word} {number}\n" for word, number in most_common(sys.stdin.read(), int(sys.argv[1]))]
    print("".join(lines), end="")
    with open("words.txt", "w") as file:
        file.writelines(lines)
    ### END SOLUTION


if __name__ == "__main__":
    main()
