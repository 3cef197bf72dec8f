"""Replies at the border: whatever a student's code forges, the grader reads on or refuses it by name."""

import pytest
import torch

from autograder.codec import Handle
from autograder.errors import MalformedMessage, RefusedValue
from autograder.replies import checked, facts_in, handle_in

ANSWER = {"value": 1.0, "changed": ["images"], "left": [["model", "gradients", ["head.weight"]]]}
FAULT = {"fault": "raised", "kinds": ["ValueError"], "text": "no", "frames": [["unit.py", 3, "run"]]}
FACTS = {"state": {"weight": torch.zeros(1)}, "training": [""], "frozen": [], "hooks": 0, "classes": None}


def test_an_honest_reply_stays_as_it_is():
    assert checked(ANSWER) == ANSWER
    assert checked(FAULT).items() >= FAULT.items()
    assert checked({"value": None}) == {"value": None, "changed": [], "left": []}
    assert facts_in(FACTS) is FACTS
    assert handle_in(Handle(0, "Net")) == Handle(0, "Net")


@pytest.mark.parametrize(
    "reply",
    [
        None,
        ["fault"],
        {},
        {"outcome": "passed"},
        ANSWER | {"changed": 5},
        ANSWER | {"changed": [[]]},
        ANSWER | {"left": [["model"]]},
        ANSWER | {"left": [["model", None, [{}]]]},
        FAULT | {"fault": 1},
        FAULT | {"kinds": 5},
        FAULT | {"text": 10**900},
        FAULT | {"frames": [["unit.py", "three", "run"]]},
        FAULT | {"frames": {"unit.py": 3}},
        {"fault": "missing", "names": {"a": 1}},
        {"fault": "missing", "found": ["a"]},
        {"fault": "signature", "signature": torch.zeros(1)},
    ],
)
def test_what_is_no_reply_is_refused(reply):
    with pytest.raises(MalformedMessage, match="something that is no answer"):
        checked(reply)


def test_texts_and_lists_have_an_end():
    reply = checked({"fault": "missing", "text": "x" * 10**6, "names": ["y" * 10**4] * 10**4})
    assert len(reply["text"]) == 2000
    assert {len(name) for name in reply["names"]} == {2000} and len(reply["names"]) == 2000


@pytest.mark.parametrize("part", FACTS)
def test_facts_about_a_module_are_whole(part):
    for facts in ({name: value for name, value in FACTS.items() if name != part}, FACTS | {part: [1]}, None):
        with pytest.raises(RefusedValue, match="answered with something that is no answer"):
            facts_in(facts)


def test_what_was_made_has_a_handle():
    with pytest.raises(RefusedValue, match="the module answered with something that is no answer"):
        handle_in(7)
