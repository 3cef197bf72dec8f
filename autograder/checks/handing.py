"""What a check hands over and what comes back, in the form that it has on the other side."""

import builtins
import enum
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder.errors import CheckError
from autograder.libraries import Image, nn
from autograder.worker.codec import Member, Recipe, refuse


def known_member(member: Member) -> object:
    """Return the member itself of an enumeration of the course or of Python; of one of the student's own as it is."""
    kind = getattr(sys.modules.get(member.module), "__dict__", {}).get(member.type_name)
    known = kind.__members__.get(member.name) if isinstance(kind, enum.EnumMeta) else None
    return known if known is not None and known == member else member


def warning_class(kinds: Sequence[str]) -> type[Warning]:
    """Return Python's own class of a warning, by the names of the student's and of its bases."""
    found = (getattr(builtins, name, None) for name in kinds)
    return next((kind for kind in found if isinstance(kind, type) and issubclass(kind, Warning)), UserWarning)


def recipe_of(module: nn.Module) -> Recipe:
    """Return how a worker makes this module.

    Raises:
        CheckError: the module does not carry a recipe.
    """
    recipe = getattr(module, "recipe", None)
    if recipe is None:
        raise CheckError(f"a {type(module).__name__} was passed without a recipe; make it with a function of `data`")
    entry, arguments = recipe
    # The state is sent anyway, and a seed would tell what else the check draws from it.
    arguments = {name: value for name, value in arguments.items() if name != "seed"}
    state = {name: value.detach() for name, value in module.state_dict().items()}
    training = [name for name, child in module.named_modules() if child.training]
    frozen = [name for name, parameter in module.named_parameters() if not parameter.requires_grad]
    return Recipe(entry, arguments, state, training, frozen)


def plain(value: object) -> object:
    """Return a value of the check's as one that crosses."""
    if isinstance(value, Image.Image):
        return value.copy()  # an opened file becomes a plain image
    if isinstance(value, Path):
        return Path(value)
    return refuse(value)
