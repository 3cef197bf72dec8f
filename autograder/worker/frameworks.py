"""Call a student's function in the framework that its unit is written in: PyTorch, or NumPy or JAX if the unit says so.

A unit says so by a line at its top level, `FRAMEWORK = "numpy"` or `FRAMEWORK = "jax"`. Checks give and take tensors. On the
way to such a function tensors become arrays, networks callables on arrays and generators those of the framework; on the way
back arrays become tensors.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from autograder.errors import RefusedValue
from autograder.libraries import is_loaded, jax, nn, np, torch
from autograder.worker.codec import Recipe, map_tree, plain_tensor, type_name, with_article

#: A power of two below half the spacing of float32 numbers in [0, 1): no kink lies between two pixels that differ.
_DIFFERENCE = 2.0**-26

#: The most letters that are shown of an unknown name.
_NAME_LENGTH = 40

_Function = Callable[..., Any]


class Framework:
    """The framework of a unit; this one is PyTorch: values cross as they are, and gradients are autograd's."""

    def running(self, device: str) -> contextlib.AbstractContextManager[object]:
        """Return the settings under which a function is called."""
        # Keras moves whatever it is given to a device of its own choice.
        return sys.modules["keras"].device(device) if is_loaded("keras") else contextlib.nullcontext()

    def to_student(self, value: Any) -> Any:
        """Return a value of a check as the student's code gets it: arrays in place of tensors, if it is written in arrays."""
        return value

    def to_check(self, value: Any) -> Any:
        """Return a value of the student's as a check gets it: tensors in place of arrays."""
        return value

    def call(self, function: _Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what a function gives for tensors, as tensors."""
        return function(*args, **kwargs)

    def gradient(
        self, function: _Function, args: tuple[Any, ...], kwargs: dict[str, Any], of: int, weights: Any
    ) -> Any:
        """Return the gradient of the function's output by one argument: a tensor, or the parameters of modules.

        Args:
            function: the student's.
            args, kwargs: with tensors.
            of: the place of the argument.
            weights: the weights of the output's entries; all ones if None.

        Raises:
            RefusedValue: the output has no gradient, or another shape than the weights.
        """
        parameters = _trained_parameters(args[of])
        source = args[of] if parameters else args[of].detach().clone().requires_grad_()
        output = plain_tensor(function(*args[:of], source, *args[of + 1 :], **kwargs))
        if type(output) is not torch.Tensor:
            found = with_article(type_name(output))
            raise RefusedValue(f"{found}, expected a tensor to differentiate")
        if not output.requires_grad:
            raise RefusedValue("a tensor without a gradient: it is detached, or was computed under no_grad")
        weights = torch.ones_like(output) if weights is None else weights
        _require_shape(output, weights)
        # The gradient of a sum, since torch imports sympy for weights that are handed over.
        results = torch.autograd.grad((output * weights).sum(), parameters or [source], allow_unused=True)
        if all(result is None for result in results):
            raise RefusedValue("a tensor whose gradient does not reach the input")
        if not parameters:
            return results[0]
        return [torch.zeros_like(p) if r is None else r for p, r in zip(parameters, results, strict=True)]


PYTORCH = Framework()


class _Arrays(Framework):
    """A framework of arrays. Each call is made on the CPU, and what it gives is placed where its tensors were.

    Attributes:
        name: as people write it.
    """

    name: ClassVar[str]

    def array(self, tensor: Any) -> Any:
        """Return a tensor as an array."""
        raise NotImplementedError

    def tensor(self, value: Any) -> Any:
        """Return an array as a tensor, and any other value as it is."""
        raise NotImplementedError

    def generator(self, seed: int) -> Any:
        """Return the framework's own source of random numbers."""
        raise NotImplementedError

    def model(self, module: Any) -> Any:
        """Return a network as a callable on arrays."""
        raise NotImplementedError

    def to_student(self, value: Any) -> Any:
        return map_tree(self._array_or_model, value)

    def to_check(self, value: Any) -> Any:
        return map_tree(self.tensor, value)

    def call(self, function: _Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        arrays, named = self.to_student((args, kwargs))
        return self.to_check(function(*arrays, **named))

    def gradient(
        self, function: _Function, args: tuple[Any, ...], kwargs: dict[str, Any], of: int, weights: Any
    ) -> Any:
        if not isinstance(args[of], torch.Tensor):
            raise TypeError(
                f"in {self.name} a network is a callable on arrays, which has no weights to differentiate by"
            )
        arrays, named = self.to_student((args, kwargs))

        def of_one(array: Any) -> Any:
            return function(*arrays[:of], array, *arrays[of + 1 :], **named)

        return self.gradient_of(of_one, args[of].detach().cpu(), weights if weights is None else weights.cpu())

    def gradient_of(self, function: _Function, source: Any, weights: Any) -> Any:
        """Return the gradient of a function of one array at a tensor, as a tensor."""
        raise NotImplementedError

    def _array_or_model(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self.array(value.detach().cpu())
        if isinstance(value, nn.Module):
            return self.model(value)
        if isinstance(value, torch.Generator):
            return self.generator(int(torch.randint(2**31, (), generator=value, device=value.device)))
        return value


class _NumPy(_Arrays):
    """NumPy: an array shares its tensor's memory, and gradients are central differences in float64."""

    name = "NumPy"

    def array(self, tensor: Any) -> Any:
        return tensor.numpy()

    def tensor(self, value: Any) -> Any:
        number = isinstance(value, np.floating | np.complexfloating)
        if number or (isinstance(value, np.ndarray) and value.dtype.kind in "biufc"):
            return torch.from_numpy(np.array(value, order="C"))
        return value

    def generator(self, seed: int) -> Any:
        return np.random.default_rng(seed)

    def model(self, module: Any) -> Any:
        return _Network(module)

    def gradient_of(self, function: _Function, source: Any, weights: Any) -> Any:
        point = source.double().numpy().copy()
        output = self._output(function(point.copy()))
        weights = torch.ones_like(output) if weights is None else weights
        _require_shape(output, weights)
        slope = np.zeros_like(point)
        for place in np.ndindex(point.shape):
            higher, lower = point.copy(), point.copy()
            higher[place] += _DIFFERENCE
            lower[place] -= _DIFFERENCE
            change = self._output(function(higher)).double() - self._output(function(lower)).double()
            slope[place] = float((change * weights).sum()) / (2 * _DIFFERENCE)
        return torch.from_numpy(slope).to(source.dtype)

    def _output(self, value: Any) -> Any:
        output = self.tensor(value)
        if not isinstance(output, torch.Tensor):
            raise _no_array(output)
        return output


class _Jax(_Arrays):
    """JAX: gradients are its own; arrays keep float64 and int64, as the tensors have them."""

    name = "JAX"

    def running(self, device: str) -> contextlib.AbstractContextManager[object]:
        settings = contextlib.ExitStack()
        try:
            settings.enter_context(jax.enable_x64(True))
        except ModuleNotFoundError as error:
            raise ImportError(
                f"the unit is written in JAX, but {error.name} is not installed where this ran; "
                'to run it at home: pip install "jax>=0.7"'
            ) from None
        settings.enter_context(jax.default_device(jax.devices("cpu")[0]))
        return settings

    def array(self, tensor: Any) -> Any:
        return jax.numpy.array(tensor.numpy())  # a copy, since the tensor may change

    def tensor(self, value: Any) -> Any:
        return torch.from_numpy(np.array(value)) if isinstance(value, jax.Array) else value

    def generator(self, seed: int) -> Any:
        return jax.random.key(seed, impl="rbg")  # which compiles four times as fast as the default

    def model(self, module: Any) -> Any:
        return _JaxNetwork(module)

    def gradient_of(self, function: _Function, source: Any, weights: Any) -> Any:
        arrays = [self.array(each) for each in (source, weights) if each is not None]

        def output_of(array: Any) -> Any:
            output = function(array)
            if not isinstance(output, jax.Array):
                raise _no_array(output)
            return output

        def gradient(array: Any, weights: Any = None) -> Any:
            output, pull = jax.vjp(output_of, array)
            if weights is None:
                weights = jax.numpy.ones_like(output)
            _require_shape(output, weights)
            return pull(weights)[0]

        try:
            # One compilation in place of one for each operation, which takes ten times as long.
            return self.tensor(jax.jit(gradient)(*arrays))
        # The function asks for numbers, as in `if x > 0` and `x[x > 0]`.
        except (jax.errors.JAXTypeError, jax.errors.JAXIndexError):
            return self.tensor(gradient(*arrays))


class _Network:
    """A network as a callable on NumPy's arrays.

    Attributes:
        classes: the names of its classes, if it has any.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self.classes = getattr(module, "classes", None)

    def __call__(self, images: Any) -> Any:
        """Return the network's output for images, both as arrays."""
        with torch.no_grad():
            return self._module(torch.from_numpy(np.array(images))).numpy()

    def vjp(self, images: Any, weights: Any) -> Any:
        """Return the gradient of the output by the images, the output's entries weighted."""
        source = torch.from_numpy(np.array(images)).requires_grad_()
        weighted = self._module(source) * torch.from_numpy(np.array(weights, dtype=np.float32))
        (slope,) = torch.autograd.grad(weighted.sum(), source)
        return slope.numpy()


class _JaxNetwork:
    """A network as a callable on JAX's arrays, through which `jax.grad` and `jax.jit` go.

    Attributes:
        classes: the names of its classes, if it has any.
    """

    def __init__(self, module: Any) -> None:
        network = _Network(module)
        self.classes = network.classes

        def output(images: Any) -> Any:
            if not isinstance(images, jax.core.Tracer):
                return jax.numpy.array(network(images))
            shape = network(np.zeros((1, *images.shape[1:]), images.dtype)).shape[1:]
            return _called_back(network, (len(images), *shape), images)

        def slope(images: Any, weights: Any) -> tuple[Any]:
            if not isinstance(weights, jax.core.Tracer) and not isinstance(images, jax.core.Tracer):
                return (jax.numpy.array(network.vjp(images, weights)),)
            return (_called_back(network.vjp, images.shape, images, weights),)

        self._output = jax.custom_vjp(output)
        self._output.defvjp(lambda images: (output(images), images), slope)

    def __call__(self, images: Any) -> Any:
        """Return the network's output for images, both as arrays."""
        return self._output(images)


def _called_back(function: _Function, shape: tuple[int, ...], *arrays: Any) -> Any:
    """Have compiled code of JAX call a function of NumPy's arrays."""
    return jax.pure_callback(function, jax.ShapeDtypeStruct(shape, np.float32), *arrays)


def _no_array(output: object) -> RefusedValue:
    found = with_article(type_name(output))
    return RefusedValue(f"{found}, expected an array to differentiate")


def _require_shape(output: Any, weights: Any) -> None:
    """Raise an error if the output to differentiate has another shape than its weights.

    Raises:
        RefusedValue: the shapes differ.
    """
    if output.shape != weights.shape:
        raise RefusedValue(f"a tensor of shape {tuple(output.shape)}, expected {tuple(weights.shape)}")


def _trained_parameters(argument: object) -> list[nn.Parameter]:
    """Return the parameters that require gradients of a module or of a list of modules; none for a tensor."""
    modules = argument if isinstance(argument, list) else [argument]
    return [
        parameter
        for module in modules
        if isinstance(module, nn.Module)
        for parameter in module.parameters()
        if parameter.requires_grad
    ]


#: What a unit may declare so that its functions get arrays.
_ARRAYS: dict[object, _Arrays] = {"numpy": _NumPy(), "jax": _Jax()}
#: What a unit may declare that changes nothing.
_TENSORS = ("keras", "pytorch", "torch")


def framework(name: object) -> Framework:
    """Return the framework of a unit by the value of its `FRAMEWORK`: PyTorch for anything but a name of another."""
    return _ARRAYS.get(name.lower(), PYTORCH) if type(name) is str else PYTORCH


def framework_note(name: object) -> str | None:
    """Return a sentence on what the functions of a unit get, by the value of its `FRAMEWORK`; None if that is as usual."""
    if type(name) is not str or name.lower() in _TENSORS:
        return None
    chosen = _ARRAYS.get(name.lower())
    if chosen is None:
        return f'FRAMEWORK is {name[:_NAME_LENGTH]!r}, expected "numpy" or "jax"; the functions get tensors'
    return f"the functions get arrays of {chosen.name}"


def make_module(recipe: Recipe, device: str) -> nn.Module:
    """Return the module of a recipe, on a device; it does not tell how it was made."""
    module_name, _, maker = recipe.entry.partition(":")
    module: nn.Module = getattr(importlib.import_module(module_name), maker)(**recipe.arguments)
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        value.data = value.data.to(recipe.state.get(name, value).dtype)  # which loading would not change
    module.load_state_dict(recipe.state)
    for name, child in module.named_modules():
        child.training = name in recipe.training
        vars(child).pop("recipe", None)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name not in recipe.frozen)
    return module.to(device)
