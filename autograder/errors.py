"""Every exception of the autograder. This module imports nothing.

AutograderError
├── GraderError          our fault: nothing is graded, exit code 2
│   ├── CatalogError       catalog.toml is not what it must be
│   ├── CheckError         a check asks for something that cannot be done
│   └── SandboxError       the fork server or a worker cannot be had
│       └── ServerDiedError    it died, and the next one too
├── UsageError           the command cannot be carried out as given, exit code 2
├── MalformedMessage     bytes that are no message, or one beyond the limits
└── StudentFault         what the student's code did: a result, never the end of a run
    ├── NotHandedIn        there is no such unit in the submission
    ├── Unusable           the module is there but cannot be loaded
    ├── MissingFunction    the module has no function of that name
    │   ├── MissingAttribute an object of the student's has no attribute of that name (an AttributeError too)
    │   └── WrongArguments   the function takes other arguments (a TypeError too)
    ├── NotWritten         the function is as in its skeleton: `raise NotImplementedError`
    ├── Raised             any other exception from the student's code
    ├── RefusedValue       it returned something that is not a plain value
    ├── TimedOut           it did not answer in time
    ├── Crashed            its process died
    ├── OverBudget         what it returned took the grader itself too long
    └── CheckFailed        it answered, and the answer is wrong (an AssertionError too)
"""


class AutograderError(Exception):
    """Anything the autograder raises on purpose. `str()` of it is one sentence for a person."""


class GraderError(AutograderError):
    """The grader's own fault."""


class CatalogError(GraderError):
    """The catalog of the course is missing or wrong."""


class CheckError(GraderError):
    """A check is written in a way that cannot work."""


class SandboxError(GraderError):
    """The sandbox cannot do its work."""


class ServerDiedError(SandboxError):
    """The fork server has died, and the next one too: this may pass."""


class UsageError(AutograderError):
    """The command was given something that is not there or makes no sense."""


class MalformedMessage(AutograderError):
    """Bytes from the other process are not a message within the limits."""


class StudentFault(AutograderError):
    """Something the student's code did or left undone.

    Attributes:
        line: the line of the student's own file, where one is to blame; or 0.
    """

    line = 0

    @property
    def sentence(self) -> str:
        """Return what happened, to which thing, in words for a person."""
        return str(self)


class NotHandedIn(StudentFault):
    """The submission has no file for this unit."""


class Unusable(StudentFault):
    """The student's module cannot be loaded."""


class MissingFunction(StudentFault):
    """The student's module lacks a function of the contract."""


class MissingAttribute(MissingFunction, AttributeError):
    """An object of the student's lacks an attribute."""


class WrongArguments(MissingFunction, TypeError):
    """The student's function takes other arguments."""


class NotWritten(StudentFault):
    """The student's function still has the line of its skeleton, `raise NotImplementedError`."""


class Raised(StudentFault):
    """The student's code raised an exception. `str()` of it is what that said, as a check of `pytest.raises` expects.

    The attributes of the exception that can cross are its own too, and its `args`.

    Attributes:
        kinds: names of the exception's class and of its bases, most derived first.
        text: what the exception itself said.
    """

    def __init__(
        self, sentence: str, kinds: tuple[str, ...], text: str, attributes: dict[str, object] | None = None
    ) -> None:
        values = attributes or {}
        args = values.get("args")
        # A subclass may be of another kind too, which is made otherwise.
        Exception.__init__(self, *(args if type(args) is tuple else (text,)))
        # Keep the members of Python's exceptions, such as `with_traceback`: a student's attribute may not replace them.
        vars(self).update({name: value for name, value in values.items() if not hasattr(Raised, name)})
        self.kinds = kinds
        self.text = text
        self._sentence = sentence

    def __str__(self) -> str:
        return self.text

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        raise MissingAttribute(f"the {self.kinds[0]} that was raised has no {name}")

    @property
    def sentence(self) -> str:
        """Return the call, the exception and its place."""
        return self._sentence


class RefusedValue(StudentFault):
    """A value that may not cross the boundary between the processes."""


class TimedOut(StudentFault):
    """The student's code was stopped at its deadline."""


class Crashed(StudentFault):
    """The process that ran the student's code died."""


class OverBudget(StudentFault):
    """Judging what the student's code returned took the grader itself too long."""


#: In place of a value, where what is wrong is not a value but what a call has left behind. None can be a wrong value.
NO_VALUE = object()


class CheckFailed(StudentFault, AssertionError):
    """A wrong answer.

    Attributes:
        problem: what is wrong, to be read after the call: `"returned 3.0, expected 0.0"`, `": its mean is 3.0"`.
        actual: the very value that was judged, by which the call that returned it is found; or `NO_VALUE`.
        expected: what it was held against, where it was a value; or `NO_VALUE`.
        mistake: the name of the known mistake that the check has recognised; empty if it has recognised none.
    """

    def __init__(self, problem: str, actual: object = NO_VALUE, expected: object = NO_VALUE, mistake: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.actual = actual
        self.expected = expected
        self.mistake = mistake
