"""Toys: modules small enough to be judged by hand, which checks hand to a student's code.

Each carries its `recipe`, as the networks do, and is in eval mode.
"""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from data.layers import Classifier, unset_linear

_Toy = TypeVar("_Toy", bound=nn.Module)

FEATURES = 6
EYE_FEATURES = 64
#: The measures (three mean colours, the direction of stripes) that a backbone of `eye_backbone` passes on.
SEEN = {"colours": (0, 1, 2), "stripes": (3,), "both": (0, 1, 2, 3), "nothing": ()}


def toy_head(in_features: int, num_classes: int, *, stale: bool = False, seed: int = 0) -> nn.Module:
    """Return a linear head: features `(N, in_features)` to logits `(N, num_classes)`.

    With `stale`, its parameters have gradients already, as after a backward pass.
    """

    def head() -> nn.Module:
        made = nn.Linear(in_features, num_classes)
        for parameter in made.parameters() if stale else ():
            parameter.grad = torch.randn_like(parameter)
        return made

    arguments = {"in_features": in_features, "num_classes": num_classes, "stale": stale, "seed": seed}
    return _make("toy_head", arguments, head, seed)


def toy_dropout_head(in_features: int, num_classes: int, *, normalises: bool = True, seed: int = 0) -> nn.Module:
    """Return a head that tells its mode: in training it drops half of the features, and if it normalises, by the batch."""

    def head() -> nn.Module:
        return nn.Sequential(
            nn.BatchNorm1d(in_features, affine=False) if normalises else nn.Identity(),
            nn.Sequential(nn.Dropout()),  # a module of a module of the head, to be found by its modules() alone
            nn.Linear(in_features, num_classes),
        )

    arguments = {"in_features": in_features, "num_classes": num_classes, "normalises": normalises, "seed": seed}
    return _make("toy_dropout_head", arguments, head, seed)


def toy_scaled_head(in_features: int, num_classes: int, *, seed: int = 0) -> nn.Module:
    """Return a linear head with parameters beside its layer: a scale for each class, and a temperature of shape ()."""
    arguments = {"in_features": in_features, "num_classes": num_classes, "seed": seed}
    return _make("toy_scaled_head", arguments, lambda: _Scaled(in_features, num_classes), seed)


def toy_recording_head(in_features: int, num_classes: int, *, seed: int = 0) -> nn.Module:
    """Return a linear head that records each example it learns from: the last feature, and 1 in training mode or else 0.

    Called on an empty batch `(0, in_features)`, it returns its records so far, shape `(examples, 2)`. A deep copy writes to
    the same records, so that the training of a copy is seen too.
    """
    arguments = {"in_features": in_features, "num_classes": num_classes, "seed": seed}
    return _make("toy_recording_head", arguments, lambda: _Recording(in_features, num_classes), seed)


def toy_trainer(*, steps: int = 1, learning_rate: float = 0.1, evaluates: bool = False) -> nn.Module:
    """Return a module that trains another one, so that its outputs show which parameters can learn.

    Called as `trainer(model, inputs, labels)`, it takes steps of plain gradient descent on the cross-entropy with all
    parameters that require gradients, in the model's own mode. Then it returns the model's outputs for the inputs, shape
    `(N, K)`; with `evaluates` it puts the model in eval mode before that.
    """
    arguments = {"steps": steps, "learning_rate": learning_rate, "evaluates": evaluates}
    return _make("toy_trainer", arguments, lambda: _Trainer(steps, learning_rate, evaluates), 0)


def toy_backbone(*, most: int = 0, seed: int = 0) -> nn.Module:
    """Return a backbone that tells its mode: images `(N, 3, H, W)` to features `(N, 6)`, by way of batch norm and dropout.

    With `most` it raises RuntimeError for a larger batch, as a network does that runs out of memory.
    """

    def backbone() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, FEATURES, 3, padding=1),
            _used_batch_norm(FEATURES),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            *([_Limited(most)] if most else []),
            nn.Dropout(),
        )

    return _make("toy_backbone", {"most": most, "seed": seed}, backbone, seed)


def toy_convnet(*, breaks: bool = False, watched: bool = False, seed: int = 0) -> nn.Module:
    """Return a network of named layers, with ReLUs that work in place: images `(N, 3, H, W)` to logits `(N, 4)`.

    Its layers are `first` (8 maps of the images' size), `norm`, `relu`, `block` with `block.down` (5 maps of half the
    size) and `block.relu`, `pool`, `flatten` and `head`. With `breaks` it raises RuntimeError after its last layer. With
    `watched` its first layer has a forward hook already.
    """

    def network() -> nn.Module:
        block = OrderedDict(down=nn.Conv2d(8, 5, 3, stride=2, padding=1), relu=nn.ReLU(inplace=True))
        layers = OrderedDict(
            first=nn.Conv2d(3, 8, 3, padding=1),
            norm=_used_batch_norm(8),
            relu=nn.ReLU(inplace=True),
            block=nn.Sequential(block),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            head=nn.Linear(5, 4),
        )
        if breaks:
            layers["end"] = _Breaking()
        if watched:
            layers["first"].register_forward_hook(_look_on)
        return nn.Sequential(layers)

    return _make("toy_convnet", {"breaks": breaks, "watched": watched, "seed": seed}, network, seed)


def toy_model(classes: Sequence[str], *, seed: int = 0) -> Classifier:
    """Return a model that looks at an image's mean colour only: its logits are an affine function of three numbers."""

    def model() -> Classifier:
        backbone = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return Classifier(backbone, nn.Linear(3, len(classes)), classes)

    return _make("toy_model", {"classes": list(classes), "seed": seed}, model, seed)


def eye_backbone(sees: str, *, seed: int = 0) -> nn.Module:
    """Return a backbone in eval mode whose features tell one thing about an image.

    Args:
        sees: `"colours"` (how red, green and blue an image is), `"stripes"` (whether they run across or down),
            `"both"` or `"nothing"`.
        seed: draws the weights that mix the measures; the global random state is neither used nor changed.

    Raises:
        ValueError: `sees` is another word.
    """
    if sees not in SEEN:
        raise ValueError(f"sees {sees!r} is nothing that a backbone sees; there are {', '.join(SEEN)}")
    mix = unset_linear(4, EYE_FEATURES)
    weight = torch.randn(EYE_FEATURES, 4, generator=torch.Generator().manual_seed(seed))
    blind = [k for k in range(4) if k not in SEEN[sees]]
    with torch.no_grad():
        mix.weight.copy_(weight)
        mix.weight[:, blind] = 0
        mix.bias.zero_()
    layers = OrderedDict(measure=_Measures(), mix=mix, norm=nn.BatchNorm1d(EYE_FEATURES))
    backbone = nn.Sequential(layers).eval()
    backbone.recipe = ("data:eye_backbone", {"sees": sees, "seed": seed})  # type: ignore[assignment] # modules are open
    return backbone


def eye_model(sees: str, classes: Sequence[str], *, normed: bool = False, seed: int = 0) -> Classifier:
    """Return a model in eval mode with an `eye_backbone` and a linear head; with `normed`, batch norm before the head.

    The backbone can learn to see what it does not see yet: the weights for it are zeros, and training changes them.

    Raises:
        ValueError: `sees` is nothing that a backbone sees.
    """
    head = unset_linear(EYE_FEATURES, len(classes))
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        head.weight.copy_(0.1 * torch.randn(head.weight.shape, generator=generator))
        head.bias.zero_()
    whole = nn.Sequential(nn.BatchNorm1d(EYE_FEATURES), head) if normed else head
    model = Classifier(eye_backbone(sees, seed=seed), whole, classes).eval()
    arguments = {"sees": sees, "classes": list(classes), "normed": normed, "seed": seed}
    model.recipe = ("data:eye_model", arguments)  # type: ignore[assignment] # modules are open
    return model


class _Measures(nn.Module):
    """Three mean colours and the direction of stripes, each about -1 to 1: images to `(N, 4)`."""

    def forward(self, images: Tensor) -> Tensor:
        colours = 4 * images.mean(dim=(2, 3)) - 2
        across = images.diff(dim=3).abs().mean(dim=(1, 2, 3))
        down = images.diff(dim=2).abs().mean(dim=(1, 2, 3))
        return torch.cat([colours, ((across - down) / (across + down + 1e-6))[:, None]], dim=1)


class _Notes(list[tuple[float, float]]):
    """Records that a copy of a model shares with the model, however it is copied."""

    def __init__(self) -> None:
        super().__init__()
        _LIVING[id(self)] = self

    def __deepcopy__(self, memo: dict[int, object]) -> "_Notes":
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return _notes_of, (id(self),)


#: The records of this process, to find those of a model that was pickled.
_LIVING: weakref.WeakValueDictionary[int, _Notes] = weakref.WeakValueDictionary()


def _notes_of(number: int) -> _Notes:
    """Return the records of a model of this process."""
    known = _LIVING.get(number)
    return _Notes() if known is None else known


def toy_stale_model(classes: Sequence[str], *, seed: int = 0) -> Classifier:
    """Return a `toy_model` whose parameters have gradients already, as after a backward pass."""

    def model() -> Classifier:
        backbone = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        stale = Classifier(backbone, nn.Linear(3, len(classes)), classes)
        for parameter in stale.parameters():
            parameter.grad = torch.randn_like(parameter)
        return stale

    return _make("toy_stale_model", {"classes": list(classes), "seed": seed}, model, seed)


def toy_recording_model(classes: Sequence[str], *, seed: int = 0) -> Classifier:
    """Return a `toy_model` that records the mean of the last channel of each image it learns from.

    Called on an empty batch `(0, 3, H, W)`, it returns its records so far, shape `(images,)`.
    """

    def model() -> Classifier:
        backbone = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return _RecordingModel(backbone, _Recording(3, len(classes)), classes)

    return _make("toy_recording_model", {"classes": list(classes), "seed": seed}, model, seed)


def toy_telling_model(*, tied: bool = False, seed: int = 0) -> Classifier:
    """Return a model of four classes that tells which of its parameters require gradients; no two of its weights are equal.

    Its layers are `backbone.first`, `backbone.norm`, `backbone.block` with `backbone.block.head`, `head_scale` beside the
    backbone, `head.hidden` and `head.last`. With `tied`, `head.hidden` has the weight of `backbone.last`, one layer more.

    Called on an empty batch, it returns a number for each entry of its parameters, one parameter after another, shape
    `(entries,)`: how much the logits of a known image change with the entry, or 0 if the parameter requires no gradient.
    """

    def model() -> Classifier:
        made = _Telling(tied)
        for parameter in made.parameters():
            nn.init.normal_(parameter, 0.0, 0.5)
        return made

    return _make("toy_telling_model", {"tied": tied, "seed": seed}, model, seed)


class _Scaled(nn.Module):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(in_features, num_classes)
        self.scale = nn.Parameter(torch.rand(num_classes) + 0.5)
        self.temperature = nn.Parameter(torch.rand(()) + 0.5)

    def forward(self, features: Tensor) -> Tensor:
        scaled: Tensor = self.scale * self.layer(features) / self.temperature
        return scaled


class _Recording(nn.Linear):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.notes = _Notes()

    def forward(self, features: Tensor) -> Tensor:
        if len(features) == 0:
            return torch.tensor(self.notes, device=features.device).view(-1, 2)
        if torch.is_grad_enabled():
            self.notes += [(last, float(self.training)) for last in features[:, -1].tolist()]
        return super().forward(features)


class _RecordingModel(Classifier):
    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = super().forward(images)
        return answer[:, 0] if len(images) == 0 else answer


class _Trainer(nn.Module):
    def __init__(self, steps: int, learning_rate: float, evaluates: bool) -> None:
        super().__init__()
        self.steps, self.learning_rate, self.evaluates = steps, learning_rate, evaluates

    def forward(self, model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        for _ in range(self.steps):
            loss = nn.functional.cross_entropy(model(inputs), labels)
            if not loss.requires_grad:
                break
            slopes = torch.autograd.grad(loss, trained, allow_unused=True)
            with torch.no_grad():
                for parameter, slope in zip(trained, slopes, strict=True):
                    if slope is not None:
                        parameter -= self.learning_rate * slope
        if self.evaluates:
            model.eval()
        with torch.no_grad():
            return model(inputs)  # type: ignore[no-any-return] # a module may return anything


class _Telling(Classifier):
    def __init__(self, tied: bool) -> None:
        # A name that occurs in another: layers are not to be found by a part of their names.
        block = OrderedDict(head=nn.Conv2d(5, FEATURES, 3, stride=2, padding=1), smooth=nn.SiLU())
        layers = OrderedDict(
            first=nn.Conv2d(3, 5, 3, padding=1),
            norm=_used_batch_norm(5),
            smooth=nn.SiLU(),
            block=nn.Sequential(block),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
        )
        if tied:
            layers["last"] = nn.Linear(FEATURES, FEATURES)
        backbone = nn.Sequential(layers)
        hidden = nn.Linear(FEATURES, FEATURES)
        if tied:
            hidden.weight = backbone.last.weight  # type: ignore[assignment] # modules are open
        head = nn.Sequential(OrderedDict(hidden=hidden, smooth=nn.SiLU(), last=nn.Linear(FEATURES, 4)))
        super().__init__(backbone, head, ["ant", "bee", "cat", "dog"])
        self.head_scale = nn.Linear(FEATURES, FEATURES, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        return self._slopes() if len(images) == 0 else self._logits(images)

    def _logits(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.head_scale(self.backbone(images)))
        return logits

    @torch.enable_grad()
    def _slopes(self) -> Tensor:
        parameters = list(self.parameters())
        known = torch.linspace(0, 1, 3 * 6 * 8, device=parameters[0].device).view(1, 3, 6, 8)
        slopes = dict.fromkeys(parameters, None)
        wanted = [each for each in parameters if each.requires_grad]
        if wanted:
            slopes |= dict(zip(wanted, torch.autograd.grad(self._logits(known).square().sum(), wanted), strict=True))
        return torch.cat([torch.zeros_like(k).flatten() if v is None else v.flatten() for k, v in slopes.items()])


class _Breaking(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        raise RuntimeError("this network breaks at its end")


class _Limited(nn.Module):
    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def forward(self, values: Tensor) -> Tensor:
        if len(values) > self.most:
            raise RuntimeError(f"out of memory: {len(values)} images at once, and there is room for {self.most}")
        return values


def _look_on(layer: nn.Module, inputs: object, output: Tensor) -> None:
    """Do nothing, as a hook."""


def _used_batch_norm(width: int) -> nn.BatchNorm2d:
    """Return batch normalisation with running statistics as after some training: eval and training mode give other results."""
    norm = nn.BatchNorm2d(width)
    nn.init.uniform_(norm.running_mean, -0.5, 0.5)
    nn.init.uniform_(norm.running_var, 0.2, 0.8)
    return norm


def _make(maker: str, arguments: dict[str, object], build: Callable[[], _Toy], seed: int) -> _Toy:
    """Return a toy in eval mode that carries its recipe; the global random state stays as it was.

    Args:
        maker: name of the function that makes the toy again.
        arguments: of that function.
        build: draws the weights from the global random state.
        seed: of these weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = build()
    made.recipe = (f"data:{maker}", arguments)  # type: ignore[assignment] # modules are open
    return made.eval()
