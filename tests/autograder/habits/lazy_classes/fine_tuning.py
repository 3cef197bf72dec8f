import functools
import io
from functools import cached_property
from typing import NamedTuple

import safetensors.torch as st


class Counts(NamedTuple):
    trainable: int
    total: int


class Inspector:
    instances: "dict[int, Inspector]" = {}

    def __init__(self, model):
        self.model = model

    @cached_property
    def layers(self):
        return dict(self.model.named_modules())

    @property
    def counts(self):
        sizes = {p: p.numel() for p in self.model.parameters()}
        return Counts(sum(size for p, size in sizes.items() if p.requires_grad), sum(sizes.values()))


@functools.singledispatch
def count_parameters(model):
    return Inspector(model).counts


def unfreeze(model, layers):
    inspector = Inspector(model)
    match [name for name in layers if name not in inspector.layers]:
        case []:
            [inspector.layers[name].requires_grad_() for name in layers]
        case [unknown, *_]:
            raise ValueError(f"layers: there is no {unknown!r}, only {', '.join(inspector.layers)}")
    return [name for name, p in model.named_parameters() if p.requires_grad]


def model_to_bytes(model):
    with io.BytesIO() as stream:
        stream.write(st.save(model.state_dict()))
        return stream.getvalue()
