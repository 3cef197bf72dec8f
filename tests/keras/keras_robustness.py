"""The unit in Keras: its losses and operations; the gradient is PyTorch's."""

import math

import keras
import torch
from keras import ops


def transfer_rates(images, targets, models):
    if len(images) == 0:
        raise ValueError("images is empty; expected at least one")
    if len(targets) != len(images):
        raise ValueError(f"targets has {len(targets)} entries; expected {len(images)}, one for each of images")
    with torch.no_grad():
        return {
            name: float(ops.mean(keras.metrics.sparse_categorical_accuracy(targets, model(images))))
            for name, model in models.items()
        }


def ensemble_logits(models, images):
    if len(models) == 0:
        raise ValueError("models is empty; expected at least one")
    answers = [ops.log_softmax(model(images), axis=-1) for model in models]
    classes = {answer.shape[1] for answer in answers}
    if len(classes) > 1:
        raise ValueError(f"models have {classes} classes; expected the same number")
    return ops.logsumexp(ops.stack(answers), axis=0) - math.log(len(answers))


def _loss(model, images, labels):
    return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, model(images), from_logits=True))


def adversarial_loss(model, images, labels, *, epsilon, steps=1):
    originals = images.detach()
    moved = originals
    length = epsilon if steps == 1 else 2.5 * epsilon / steps
    for _ in range(steps):
        start = moved.detach().requires_grad_()
        (slope,) = torch.autograd.grad(_loss(model, start, labels), start)
        change = ops.clip(moved + length * ops.sign(slope) - originals, -epsilon, epsilon)
        moved = ops.clip(originals + change, 0.0, 1.0)
    return _loss(model, moved, labels)
