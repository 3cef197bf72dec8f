"""Lead a debugger to the student's own frame: pdb in the terminal, or the debugger of an editor."""

import sys
from collections.abc import Callable
from types import FrameType, TracebackType

from autograder.checks.remote import Call, StudentModule
from autograder.checks.transport import Recording
from autograder.errors import NO_VALUE
from autograder.messages import tr


def editor_stop() -> Callable[..., None] | None:
    """Return debugpy's function that stops an editor's debugger at an exception.

    Return None if no editor is attached, or if debugpy is older than 1.8.22, which has no such function.
    """
    debugpy = sys.modules.get("debugpy")
    if debugpy is None or not debugpy.is_client_connected():
        return None
    stop: Callable[..., None] | None = getattr(debugpy, "trigger_exception_handler", None)
    return stop


def lead_to_student(error: BaseException, held: StudentModule, recording: Recording) -> None:
    """Change the traceback of a failed check so that it ends in the student's code: there a debugger stops.

    If the student's code raised, the traceback ends at that line. Otherwise it ends at the end of the call that gave the wrong
    value, and the frame has two more variables: `_returned`, and `_expected` if the check has named a value.
    """
    last = _last(error.__traceback__, lambda frame: recording.session.is_own(frame.f_code.co_filename))
    if last is not None:
        last.tb_next = None
        return
    actual, expected = getattr(error, "actual", NO_VALUE), getattr(error, "expected", NO_VALUE)
    wrong = held.call_of(actual) if isinstance(error, AssertionError) else None
    frame = None if wrong is None else _frame_of(wrong, held.calls, recording.frames)
    if wrong is None or frame is None:
        return
    found = {"_returned": wrong.value if actual is NO_VALUE else actual}
    print(tr("{call} ended here. Its value is in _returned", call=wrong))
    if expected is not NO_VALUE:
        found["_expected"] = expected
        print(tr("What was expected is in _expected"))
    frame.f_locals.update(found)
    last = _last(error.__traceback__, lambda frame: True)
    if last is not None:
        last.tb_next = TracebackType(None, frame, frame.f_lasti, frame.f_lineno)


def _last(traceback: TracebackType | None, wanted: Callable[[FrameType], bool]) -> TracebackType | None:
    """Return the innermost entry of a traceback whose frame is wanted; None if there is none."""
    found = None
    while traceback is not None:
        found = traceback if wanted(traceback.tb_frame) else found
        traceback = traceback.tb_next
    return found


def _frame_of(wrong: Call, calls: list[Call], frames: list[FrameType]) -> FrameType | None:
    """Return the frame of a call that has returned: frames and calls of a function pair up, counted from the end."""
    place = next(number for number, call in enumerate(calls) if call is wrong)
    after = sum(call.function == wrong.function for call in calls[place + 1 :])
    own = [frame for frame in frames if frame.f_code.co_name == wrong.function]
    return own[-1 - after] if after < len(own) else None
