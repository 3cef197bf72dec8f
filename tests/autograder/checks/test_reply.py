"""A reply is the student's answer, whoever wrote it: whatever its structure, it ends in a value or a failed check."""

import contextlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.checks.plugin.recorder import end_check
from autograder.checks.remote import ModuleUnderTest, RemoteModule, StudentModule
from autograder.compare import show
from autograder.errors import MalformedMessage, RefusedValue, StudentFault
from autograder.results.types import CheckResult, Outcome
from autograder.submissions import Module
from autograder.worker.codec import Handle, Recipe, encode
from autograder.worker.protocol import Fault, read_inspection, read_reply

UNIT = Module("unit", "unit.py", "")
LOADED = {"record": "Answer", "value": None}
ANSWER = {"record": "Answer", "value": 1, "changed": (), "side_effects": ()}
FAULT = {"record": "Fault", "kind": "raised", "kinds": ("KeyError",), "text": "x", "frames": (("unit.py", 3, "f"),)}
MISSING = {"record": "Fault", "kind": "missing"}
FACTS = {"state": {}, "training": [], "frozen": [], "hooks": 0, "classes": None}


class Forger:
    """A worker whose replies are written by the student."""

    def __init__(self, *replies):
        self.replies = list(replies)

    def exchange(self, request, seconds, respond=None):
        reply = self.replies.pop(0)
        return reply if isinstance(reply, bytes) else encode(reply)


def answered_by(*replies):
    return StudentModule(ModuleUnderTest(UNIT, {"unit": UNIT}, 1.0), Forger(*replies), 0)


FORGED = [
    b"",
    b"garbage",
    3,
    None,
    [],
    {},
    {"values": 1},
    {1: 2, "value": 3},
    {"value": 1, "changed": (), "side_effects": ()},
    {"record": "Answer"},
    {"record": "Load", "value": 1},
    {"record": 5, "value": 1},
    {**ANSWER, "record": torch.zeros(2)},
    {**ANSWER, "changed": 5},
    {**ANSWER, "changed": "images"},
    {**ANSWER, "changed": ["images"]},
    {**ANSWER, "changed": (5,)},
    {**ANSWER, "changed": {"images": 1}},
    {**ANSWER, "side_effects": 5},
    {**ANSWER, "side_effects": ("abc",)},
    {**ANSWER, "side_effects": (("a", "b"),)},
    {**ANSWER, "side_effects": (("a", "b", 3),)},
    {**ANSWER, "side_effects": torch.zeros(3, 3)},
    {**ANSWER, "value": Recipe("os:system", {"command": "true"})},
    {**ANSWER, "value": [{"a": (Recipe("os:system", {"command": "true"}),)}]},
    {**FAULT, "kind": "unheard of"},
    {**FAULT, "kind": torch.zeros(2)},
    {**FAULT, "kind": None},
    {**FAULT, "text": torch.zeros(2)},
    {**FAULT, "kinds": 5},
    {**FAULT, "kinds": ()},
    {**FAULT, "kinds": (torch.zeros(2),)},
    {**FAULT, "frames": torch.zeros(2)},
    {**FAULT, "frames": (3,)},
    {**FAULT, "frames": (("unit.py", "three", "f"),)},
    {**FAULT, "frames": ((3, 3, "f"),)},
    {**MISSING, "found": torch.zeros(2)},
    {**MISSING, "names": 5},
    {**MISSING, "names": (b"f",)},
    {**FAULT, "kind": "signature", "signature": torch.zeros(2)},
]


@pytest.mark.parametrize("reply", FORGED, ids=lambda reply: show(reply)[:60])
def test_a_reply_of_another_structure_fails_the_check(reply):
    """Try it as the reply to loading the module, and as the reply to a call."""
    for replies, subject in (((reply,), "the module"), ((LOADED, reply), "anything()")):
        with pytest.raises(RefusedValue, match="answered with") as caught:
            answered_by(*replies).anything()
        assert str(caught.value).startswith(subject)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../outside": b"x"}, "wrote a file that is not in the folder: '../outside'"),
        ({"/etc/outside": b"x"}, "not in the folder"),
        ({"a//b": b"x"}, "not in the folder"),
        ({"": b"x"}, "not in the folder"),
        ({"a": b"x", "a/b": b"x"}, "wrote 'a/b', which cannot be kept: "),
        ({"a\0": b"x"}, "which cannot be kept: ValueError"),
        ({"n" * 300: b"x"}, "which cannot be kept: File name too long"),
        ({str(number): b"" for number in range(1001)}, "wrote 1001 files; 1000 are kept at most"),
        ({"a": "text"}, "answered with something that is no answer"),
        ({3: b"x"}, "answered with something that is no answer"),
        (["a"], "answered with something that is no answer"),
    ],
    ids=lambda value: show(value)[:40],
)
def test_files_that_no_folder_has_fail_the_check(files, words, tmp_path):
    submission = answered_by(LOADED, {**ANSWER, "files": files})
    submission._transport.folder = tmp_path / "folder"
    submission.share_folder().mkdir()
    with pytest.raises(RefusedValue) as caught:
        submission.anything()
    assert words in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_files_where_the_check_has_no_folder_fail_it():
    with pytest.raises(RefusedValue, match="wrote files into a folder that the check does not have"):
        answered_by(LOADED, {**ANSWER, "files": {"a": b"x"}}).anything()


def test_faults_with_little_in_them_are_still_faults():
    for kind in Fault.KINDS:
        with pytest.raises(StudentFault):
            answered_by(LOADED, {"record": "Fault", "kind": kind}).anything()


def test_endless_texts_and_lists_are_cut_where_they_come_in():
    """Each sentence about them would copy them again: once a case took the grader 100 MB for 7 MB of text."""
    reply = {**FAULT, "text": "x" * 10_001, "kinds": ("K" * 10_001, *["Error"] * 10_000), "names": ("n",) * 10_001}
    fault = read_reply(encode(reply))
    assert (len(fault.text), len(fault.kinds), len(fault.kinds[0]), len(fault.names)) == (10_000,) * 4


def test_a_model_that_is_sent_comes_back_as_a_handle_or_fails_the_check():
    with pytest.raises(RefusedValue, match="answered a model with something that is no answer"):
        answered_by(LOADED, {**ANSWER, "value": 3}).send(Recipe("data:load_model", {}))


@pytest.mark.parametrize("number", [0, 10**6, 2**62])
def test_a_handle_that_never_existed_is_the_workers_to_explain(number, sandbox):
    """Made up by a student's code that writes to the worker's socket itself."""
    code = (
        "import os, struct, sys\nfrom autograder.worker.codec import Handle\n"
        "from autograder.worker.protocol import Answer, write\n"
        f"reply = write(Answer(Handle({number}, 'Linear')))\n"
        "def f():\n"
        "    frame = sys._getframe()\n"
        "    while frame.f_code.co_name != 'serve':\n"
        "        frame = frame.f_back\n"
        "    whole = frame.f_locals['nonce'] + reply\n"
        "    os.write(3, struct.pack('<Q', len(whole)) + whole)\n"
    )
    unit = Module("unit", "unit.py", code)
    with sandbox.worker() as worker:
        submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 5.0), worker, 0)
        module = submission.f()
        assert isinstance(module, RemoteModule)
        for use in (module.inspect, module.inspect, module):
            with pytest.raises(StudentFault):
                use()


@pytest.mark.parametrize(
    "facts",
    [
        None,
        [],
        {},
        *({**FACTS, name: wrong} for name in FACTS for wrong in (5, "text", [3], {"a": 3}) if (name, wrong) != ("hooks", 5)),
    ],
    ids=show,
)  # fmt: skip
def test_an_inspection_that_tells_something_else_fails_the_check(facts):
    with pytest.raises(MalformedMessage):
        read_inspection(facts)
    submission = answered_by(LOADED, {**ANSWER, "value": Handle(0, "Linear")}, {**ANSWER, "value": facts})
    with pytest.raises(RefusedValue, match="a Linear answered with something that is no answer"):
        submission.build_head().inspect()


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(Handle(7, "Linear")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
)
replies = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("value", "changed", "side_effects", "kinds", "text", "frames", "found", "names", "signature"), trees
        ),
        "record": trees | st.sampled_from(["Answer", "Fault"]),
        "kind": trees | st.sampled_from(Fault.KINDS),
    },
)


@given(trees | replies)
def test_whatever_is_replied_ends_in_a_value_or_a_students_fault(reply):
    with contextlib.suppress(MalformedMessage):
        read_reply(encode(reply))
    try:
        answered_by(LOADED, reply).anything()
    except StudentFault as fault:
        check = end_check(CheckResult("unit::test_it", "unit", "anything", "It", 1.0), fault, None)
        assert check.outcome not in (Outcome.PASSED, Outcome.ERROR)
        assert len(check.message) <= 2000 and (check.message.isprintable() or not check.message)


def test_a_text_without_end_is_cut_and_steers_no_terminal():
    fault = {**FAULT, "text": "\x1b[2J\u202eEverything passes.\n" + "x" * 10**6, "kinds": ("K" * 10**6,)}
    with pytest.raises(StudentFault) as caught:
        answered_by(LOADED, fault).anything()
    message = end_check(CheckResult("unit::test_it", "unit", "anything", "It", 1.0), caught.value, None).message
    assert len(message) == 2000 and message.isprintable()
