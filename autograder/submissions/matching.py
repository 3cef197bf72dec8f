"""Match a class with its roster, and the marks of a class with the rows of a gradebook.

A match is by the platform's number, by login and by name, and never a guess: a name of two students matches neither, and a
hand-in with the number of one student and the name of another matches nobody. Every student has a row, also without a hand-in,
and a sentence names each hand-in that matches nobody.
"""

import difflib
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from autograder.errors import UsageError
from autograder.results.types import first_and_more
from autograder.submissions.hand_in import SECOND, HandIn, Intake, LeftOut
from autograder.submissions.roster import Enrolled, rounded_numbers, titles
from autograder.submissions.students import Student, common_prefix, moment_of

_NOTHING = "nothing was handed in"
#: What Moodle writes in place of a group for a student who is in none.
_NO_GROUP = "Default group"
#: Letters whose stroke or dot is no accent of Unicode's, as passports write them.
_BARE = str.maketrans({"đ": "d", "ð": "d", "ł": "l", "ø": "o", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"})
#: How much of two words agrees, in [0, 1], if they are spellings of one.
_ALIKE = 0.6
#: Accents of Latin letters that no letter has in it, vowels that Hebrew and Arabic may leave out, and variants of a sign.
_OPTIONAL_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
#: Words in a name such as `Jane Doe (123456)` or `jdoe - Jane Doe`; a login may hold hyphens and dots.
_WORDS = (re.compile(r"[^\s_(),;\[\]]+"), re.compile(r"[^\W_]+"))
#: The most words of a name in which a number or login is looked for.
_MOST_WORDS = 20


class Finder:
    """Search for students in a table by number, login and name; a key of two students finds neither.

    Attributes:
        everyone: the students of the table.
        where: what the table is called in sentences.
        titles: the name of each student's row.
        remarks: sentences on what the table has lost.
    """

    def __init__(self, everyone: list[Enrolled], where: str = "the roster") -> None:
        self.everyone, self.where, self.titles = everyone, where, titles(everyone)
        self.remarks = rounded_numbers(everyone, where)
        by_id = [(key.casefold(), place) for place, each in enumerate(everyone) for key in each.ids]
        by_name = [(form, place) for place, each in enumerate(everyone) for form in _forms(each.student.name)]
        # Where a class works in groups, Moodle writes the group before the name, and words of its own for those in none.
        in_groups = [(_plain(group), place) for place, each in enumerate(everyone) for group in each.groups]
        alone = [(_plain(_NO_GROUP), place) for place in range(len(everyone))]
        by_name += [(group + _plain(everyone[place].student.name), place) for group, place in [*in_groups, *alone]]
        self._by_id, self._by_name = _unique(by_id), _unique(by_name)
        # A spreadsheet takes the first zeros of a number away.
        self._by_number = _unique((key.lstrip("0"), place) for key, place in by_id if key.isdecimal())
        self._all = {key for key, _ in by_id + by_name}
        self._by_group: dict[str, list[int]] = {}
        for group, place in in_groups:
            self._by_group.setdefault(group, []).append(place)

    def places(self, student: Student, name: str) -> list[int]:
        """Return the places of a student, or of the members of the group of this name.

        The number that a platform gives a group's hand-in is that of the member who handed it in.
        """
        members = self._members(student, name)
        if members:
            return members
        keys = self._places(student, name)
        found = set(keys.values())
        by_number = all(key.startswith("number ") for key in keys)
        if len(found) != 1 or (by_number and self._is_another(student, *found)):
            return []
        return list(found)

    def _members(self, student: Student, name: str) -> list[int]:
        """Return the places of the members of the group of this name; none if a student has the name."""
        plain = _plain(student.name or name)
        return [] if plain in self._by_name else self._by_group.get(plain, [])

    def _is_another(self, student: Student, place: int) -> bool:
        """Return True if two full names share no word, so that a number alone does not make them one student."""
        return len(student.name.split()) > 1 and self._share_no_word(student, place)

    def is_by_number_alone(self, student: Student, name: str, place: int) -> bool:
        """Return True if nothing but a number makes a student the one at a place: the name shares no word with the row's.

        A platform that hides names writes a number of its own in their place, which Moodle's own tables have too.
        """
        keys = self._places(student, name)
        if self._members(student, name) or not keys or not all(key.startswith("number ") for key in keys):
            return False
        is_hidden = student.id in student.name.split() and self.everyone[place].participant != student.id
        return is_hidden or self._share_no_word(student, place)

    def _share_no_word(self, student: Student, place: int) -> bool:
        """Return True if two names in one script share no word.

        A platform that hides names writes the number in their place.
        """
        name, row = student.name, self.everyone[place].student.name
        own, other = _words(name), _words(row)
        if student.id in name.split() or not own or not _scripts(name) & _scripts(row):
            return False
        inside = any(word in "".join(other) for word in own) or any(word in "".join(own) for word in other)
        return not inside and not any(_are_alike(one, word) for one in own for word in other)

    def knows(self, student: Student, name: str) -> bool:
        """Return True if any number, login or name of a student finds somebody."""
        return bool(self._places(student, name))

    def rows(self, student: Student, name: str) -> list[int]:
        """Return the places of a submission that was graded already, which may bear the title of a row."""
        if not self.knows(student, name) and name in self.titles:
            return [self.titles.index(name)]
        return self.places(student, name)

    def why_not(self, student: Student, name: str) -> str:
        """Return why a student has no place of their own, for the end of a sentence."""
        found = self._places(student, name)
        if len(set(found.values())) > 1:
            first, *others = found
            second = next(key for key in others if found[key] != found[first])
            return (
                f"in {self.where} its {first} is {self.titles[found[first]]}'s and its {second} is"
                f" {self.titles[found[second]]}'s; take numbers that are not the platform's own out of the roster"
            )
        keys = (*student.logins, student.id, student.login, name, name.partition("@")[0])
        several = any(key and key.casefold() in self._all for key in keys) or _plain(student.name or name) in self._all
        rows = self.places(student, name) or ([] if several else self.rows(student, name))
        if found and not rows:
            (number,) = found
            return (
                f"in {self.where} its {number} is {self.titles[found[number]]}'s, and the names share no word; take numbers"
                " that are not the platform's own out of the roster"
            )
        if len(rows) > 1:
            return "it is a group; grade the class with --roster, and each member has a result"
        if rows:
            return f"another has the same row in {self.where}; take one of the two away"
        return (
            f"several in {self.where} have this number, login or name; call it by what only one of them has"
            if several
            else f"nobody in {self.where} has this number, login or name"
        )

    def _places(self, student: Student, name: str) -> dict[str, int]:
        """Return the place that each key of a student finds, by what the key is."""
        logins = [key for key in student.logins if key.casefold() in self._by_id]
        if logins:  # one of these is the login, and the others are none
            return {f"login {key}": self._by_id[key.casefold()] for key in logins}
        keys = {
            f"number {student.id}": student.id,
            f"login {student.login}": student.login,
            f"name {name}": name if name.casefold() in self._by_id else name.partition("@")[0],
        }
        at = {what: self._place_of_id(key) for what, key in keys.items()}
        found = {what: place for what, place in at.items() if place is not None}
        plain = _plain(student.name or name)
        found |= {f"name {student.name or name}": self._by_name[plain]} if plain in self._by_name else {}
        if found or student.id or student.login:
            return found
        places = {
            place for words in _WORDS if (place := self._place_of_both(words.findall(name)[:_MOST_WORDS])) is not None
        }
        return {f"name {name}": places.pop()} if len(places) == 1 else {}

    def _place_of_both(self, words: list[str]) -> int | None:
        """Return the place that a number or login among some words finds, if the other words are the name of the same row."""
        places = set()
        for number, word in enumerate(words):
            place = self._place_of_id(word)
            if place is not None and self._by_name.get(_plain("".join(words[:number] + words[number + 1 :]))) == place:
                places.add(place)
        return places.pop() if len(places) == 1 else None

    def _place_of_id(self, key: str) -> int | None:
        """Return the place of a number or login; a number may lack first zeros, here or in the table."""
        place = self._by_id.get(key.casefold())
        return self._by_number.get(key.lstrip("0")) if place is None and key.isdecimal() else place


def match(intake: Intake, roster: Iterable[Enrolled]) -> Intake:
    """Return the class with the names of the roster: a row for everyone in it, then a row for each stranger.

    A hand-in of a group, by the roster's own group column or by the platform's, is credited to all its members.
    """
    finder = Finder(list(roster))
    found, strangers = _find_all(intake, finder)
    remarks = [*intake.remarks, *finder.remarks]
    matched = Intake(intake.form, left_out=list(intake.left_out), remarks=remarks, platforms=intake.platforms)
    undated: list[str] = []
    by_number: list[str] = []
    for place, (title, each) in enumerate(zip(finder.titles, finder.everyone, strict=True)):
        names = found.get(place, [])
        if not names:
            matched.hand_ins[title] = HandIn((each.student,), Path(title), problem=_NOTHING)
            continue
        first, *others = sorted(names, key=lambda name: moment_of(intake.hand_ins[name].at), reverse=True)
        if others and _order_is_unknown(intake.hand_ins[first], intake.hand_ins[others[0]]):
            undated.append(f"{first} for {title}")
        if finder.is_by_number_alone(intake.hand_ins[first].student_named(first), first, place):
            by_number.append(f"{first} is {title}")
        matched.hand_ins[title] = replace(intake.hand_ins[first], students=(each.student,))
        earlier = list(intake.earlier.get(first, []))
        if all(intake.hand_ins[name].at for name in names):  # in order, so that these are attempts too
            earlier = [each for name in reversed(others) for each in _attempts(intake, name)] + earlier
        if earlier:
            matched.earlier[title] = earlier
        for other in others:
            matched.left_out.append(LeftOut(other, title, f"{SECOND.format(title)}{first}"))
    for name in strangers:
        _add_stranger(matched, intake, finder, name)
    if undated:
        matched.remarks.append(
            f"of several hand-ins of a student, of which it is not known which is later, the first by name counts:"
            f" {first_and_more(undated)}; take away those that do not count"
        )
    if by_number:
        matched.remarks.append(
            f"matched with {finder.where} by the number alone, as the names share no word: {first_and_more(by_number)};"
            " if these are others, take numbers that are not the platform's own out of the roster"
        )
    return matched


def _attempts(intake: Intake, name: str) -> list[HandIn]:
    """Return the hand-ins of one name from the first to the last."""
    return [*intake.earlier.get(name, []), intake.hand_ins[name]]


def _order_is_unknown(one: HandIn, other: HandIn) -> bool:
    """Return True if the moments of two hand-ins do not tell which is the later one."""
    return not one.at or not other.at or moment_of(one.at) == moment_of(other.at)


def _find_all(intake: Intake, finder: Finder) -> tuple[dict[int, list[str]], list[str]]:
    """Return the names of the hand-ins of each student in the roster, by place there, and the names of the strangers."""
    found: dict[int, list[str]] = {}
    strangers: list[str] = []
    shorter = _without_prefix(intake.hand_ins)
    for name, hand_in in intake.hand_ins.items():
        student = hand_in.student_named(name)
        places = finder.places(student, name)
        if not places and not finder.knows(student, name) and name in shorter:
            places = finder.places(Student(shorter[name]), shorter[name])
        for place in places:
            found.setdefault(place, []).append(name)
        if not places:
            strangers.append(name)
    return found, strangers


def _add_stranger(matched: Intake, intake: Intake, finder: Finder, name: str) -> None:
    """Add the hand-in of this name, which matches nobody, under the name or a longer one that no row of the roster has."""
    longer = (f"{name}-{number}" for number in itertools.count(2))
    free = next(each for each in itertools.chain([name], longer) if each not in matched.hand_ins)
    matched.hand_ins[free] = intake.hand_ins[name]
    if name in intake.earlier:
        matched.earlier[free] = intake.earlier[name]
    reason = finder.why_not(intake.hand_ins[name].student_named(name), name)
    matched.left_out.append(LeftOut(free, "", f"it is graded, and {reason}"))


def rows_of(students: Mapping[str, Student], finder: Finder) -> tuple[dict[str, int], list[str]]:
    """Find the row of each submission in a gradebook, by the same rules as `match`.

    Args:
        students: by the names of their submissions.
        finder: the finder of the gradebook.

    Returns:
        The rows by the names of submissions, without those that have no row of their own; and the students of the gradebook
        who have no submission.
    """
    places = {name: finder.rows(student, name) for name, student in students.items()}
    count = Counter(place for found in places.values() for place in found)
    rows = {
        name: finder.everyone[found[0]].row
        for name, found in places.items()
        if len(found) == 1 and count[found[0]] == 1
    }
    return rows, [name for place, name in enumerate(finder.titles) if not count[place]]


def of_one_class(known: Mapping[str, Student], finder: Finder, folder: str, *, own_numbers: bool) -> dict[str, str]:
    """Return the name of the graded submission of each student, by the title in the roster; a group's is of all its members.

    Args:
        known: students by the names of their submissions.
        finder: the finder of the roster.
        folder: where they were graded, for a sentence.
        own_numbers: True if numbers and logins in `known` come from a roster too, so that they must be the same here.

    Raises:
        UsageError: the submissions are another class's: a student has other numbers and logins here, or most of the
            students are not in the roster. Or two submissions are one student's.
    """
    found: dict[str, str] = {}
    for name, student in known.items():
        by_title = own_numbers and name in finder.titles
        places = [finder.titles.index(name)] if by_title else finder.rows(student, name)
        for place in places:
            title, enrolled = finder.titles[place], finder.everyone[place]
            if own_numbers and len(places) == 1:
                _refuse_other_numbers(name, student, enrolled, folder)
            if title in found:
                raise UsageError(
                    f"{found[title]} and {name} in {folder} are both {title} of the roster; take one of the hand-ins away,"
                    " or grade the class with --roster, which counts the later one"
                )
            found[title] = name
    credited = set(found.values())
    strangers = [name for name in known if name not in credited]
    if 2 * len(strangers) > len(known):
        first = strangers[0]
        raise UsageError(
            f"{len(strangers)} of {len(known)} students in {folder} are not in the roster: it is another class"
            f" ({first}: {finder.why_not(known[first], first)}); give the folders of one class with its own roster"
        )
    return found


def _refuse_other_numbers(name: str, student: Student, enrolled: Enrolled, folder: str) -> None:
    """Raise `UsageError` if a student has other numbers and logins in a folder than in the roster."""
    theirs = {key.casefold() for key in (student.id, student.login) if key}
    ours = {key.casefold() for key in enrolled.ids}
    if theirs and ours and not theirs & ours:
        raise UsageError(
            f"{name} is {student.id or student.login} in {folder} and {enrolled.student.key} in the roster:"
            " two classes, or two rosters; give the folders of one class with its own roster"
        )


def _without_prefix(names: Iterable[str]) -> dict[str, str]:
    """Return the ends of names that all begin alike, by name: for GitHub's folders `lab-jane` and `lab-jane-main`, `jane`."""
    ends = {name: re.sub(r"-(main|master)$", "", name) for name in names}
    prefix = common_prefix(sorted(set(ends.values())))
    return {name: end.removeprefix(prefix) for name, end in ends.items() if end.removeprefix(prefix) != name}


def _unique(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, set[int]] = {}
    for key, place in pairs:
        found.setdefault(key, set()).add(place)
    return {key: next(iter(places)) for key, places in found.items() if len(places) == 1}


def _forms(name: str) -> Iterator[str]:
    """Yield the ways in which platforms write a full name: `Jane Doe`, `doejane`."""
    words = name.split()
    yield _plain(name)
    for number in range(1, len(words)):
        yield _plain("".join((*words[number:], *words[:number])))


def _plain(name: str) -> str:
    """Return a name without capital letters, spaces and punctuation; letters keep their accents."""
    folded = _OPTIONAL_MARKS.sub("", unicodedata.normalize("NFC", name).casefold())
    # Burmese, Thai and Hindi write vowels as marks.
    return "".join(sign for sign in folded if sign.isalnum() or unicodedata.category(sign).startswith("M"))


def _words(name: str) -> list[str]:
    """Return the words of a name, longer than an initial, as `_plain` writes them and without accents."""
    bare = _OPTIONAL_MARKS.sub("", unicodedata.normalize("NFKD", name))
    words = (_plain(word).translate(_BARE) for word in re.split(r"[\s,.-]+", bare))
    return [word for word in words if len(word) > 1]


def _are_alike(one: str, other: str) -> bool:
    """Return True for two spellings of a word, such as `jorg` and `joerg`."""
    return difflib.SequenceMatcher(None, one, other).ratio() > _ALIKE


def _scripts(name: str) -> set[str]:
    """Return the scripts of a name's letters, such as LATIN."""
    return {unicodedata.name(sign, "").partition(" ")[0] for sign in name if sign.isalpha()}
