"""Make of arguments what is sent: plain values as they are, and a module as the recipe by which a worker makes it."""

from dataclasses import dataclass
from pathlib import Path

from autograder.checks.compare import show
from autograder.errors import CheckError
from autograder.libraries import Image, nn
from autograder.worker.codec import Recipe, refuse


@dataclass(frozen=True)
class SentModule:
    """A module among the arguments of a call, as it was then: the check may change its own afterwards.

    Attributes:
        recipe: that it was sent as.
        words: for it in a sentence.
    """

    recipe: Recipe
    words: str

    @property
    def _shown(self) -> str:
        """Words for it as a value in a sentence."""
        return self.words


def as_sent(value: object) -> object:
    """Return a module as it is now; any other value as it is.

    Raises:
        CheckError: the module does not carry a recipe.
    """
    return SentModule(recipe_of(value), show(value)) if isinstance(value, nn.Module) else value


def recipe_of(module: nn.Module) -> Recipe:
    """Return how a worker makes this module as it is now.

    Raises:
        CheckError: the module does not carry a recipe.
    """
    recipe = getattr(module, "recipe", None)
    if recipe is None:
        raise CheckError(f"a {type(module).__name__} was passed without a recipe; make it with a function of `data`")
    entry, arguments = recipe
    # The state is sent anyway, and a seed would tell what else the check draws from it.
    arguments = {name: value for name, value in arguments.items() if name != "seed"}
    state = {name: value.detach().clone() for name, value in module.state_dict().items()}
    training = [name for name, child in module.named_modules() if child.training]
    frozen = [name for name, parameter in module.named_parameters() if not parameter.requires_grad]
    return Recipe(entry, arguments, state, training, frozen)


def plain(value: object) -> object:
    """Return a value of a library in a form that crosses.

    Raises:
        RefusedValue: it has none.
    """
    if isinstance(value, Image.Image):
        return value.copy()  # an opened file becomes a plain image
    if isinstance(value, Path):
        return Path(value)
    return refuse(value)
