"""What the checks of every unit share: inspections of what calls leave behind and of figures, and tolerances."""

from autograder.compare import assert_close, assert_holds

#: All that a call may leave on a module.
EVERYTHING = ("gradients", "weights", "training mode", "requires_grad", "hooks")
#: Tolerances for an answer in float64: its dtype is promised, and a library may compute it by way of float32, as Keras does.
SINGLE = {"rtol": 1e-5, "atol": 1e-6}


def assert_each_close(*pairs, **bounds):
    """Each value of these pairs is close to what is expected: all calls are made before any answer is judged.

    A single wrong answer tells little of what made it.
    """
    for actual, expected in pairs:
        assert_close(actual, expected, **bounds)


def assert_untouched(call, *kinds, mistake=""):
    """A call has left its inputs as they were, nothing of these kinds on a module, and gradients switched on."""
    changed = [name for name in call.changed if name != "generator"]
    assert_holds(not changed, f"changed {', '.join(changed)} in place, expected it to be left alone")
    effects = call.describe_side_effects(*kinds, "gradients switched off")
    assert_holds(not effects, f"left something behind: {'; '.join(effects)}", mistake=mistake)


def assert_seeds_nothing(first, again, mistake=""):
    """Neither of two equal calls has seeded the global random state, though both may have drawn from it."""
    # To seed sets it to the same each time, so that it moves the first time only; to draw moves it on each time.
    moved = [call.describe_side_effects("random state") for call in (first, again)]
    assert_holds(
        not moved[0] or bool(moved[1]),
        "seeded the global random state, expected it to be left alone",
        mistake=mistake,
    )


def assert_tidy(submission, ask, *kinds):
    """A question, asked twice, leaves nothing behind: inputs, modules, gradients and random state are as they were.

    Args:
        submission: whose function is asked.
        ask: asks it, without arguments.
        kinds: what must not be left on modules; everything, if none are named.

    Returns:
        The first answer.
    """
    answer, first = ask(), submission.last
    ask()
    assert_untouched(first, *(kinds or EVERYTHING))
    assert_seeds_nothing(first, submission.last)
    return answer


def are_rounded(figures, count=0):
    """Return True if a few decimals are all that each of these figures has, and one is no share of `count` examples either."""

    def whole(figure, parts):
        return abs(figure * parts - round(figure * parts)) < 2e-7 * parts * max(1, abs(figure))

    few_decimals = any(all(whole(each, 10**decimals) for each in figures) for decimals in range(5))
    return few_decimals and not all(whole(each, max(count, 1)) for each in figures)
