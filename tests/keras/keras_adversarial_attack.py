"""The unit in Keras: its losses and operations; the gradient is PyTorch's."""

import keras
import torch
from keras import ops


def _slope(model, images, labels):
    images = images.detach().requires_grad_()
    losses = keras.losses.sparse_categorical_crossentropy(labels, model(images), from_logits=True)
    return torch.autograd.grad(ops.sum(losses), images)[0]


def _answers(model, images):
    with torch.no_grad():
        return ops.argmax(model(images), axis=-1)


def fgsm(model, images, labels, epsilon):
    moved = images.detach() + epsilon * ops.sign(_slope(model, images, labels))
    return ops.clip(moved, 0.0, 1.0)


def project(images, originals, epsilon):
    images, originals = images.detach(), originals.detach()
    return ops.clip(originals + ops.clip(images - originals, -epsilon, epsilon), 0.0, 1.0)


def targeted_step(model, images, originals, targets, *, step_size, epsilon):
    return project(images - step_size * ops.sign(_slope(model, images, targets)), originals, epsilon)


def targeted_attack(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    attacked = images.detach()
    for _ in range(steps):
        fooled = _answers(model, attacked) == targets
        if ops.all(fooled):
            break
        moved = targeted_step(model, attacked, images, targets, step_size=step_size, epsilon=epsilon)
        attacked = ops.where(ops.reshape(fooled, (-1, 1, 1, 1)), attacked, moved)
    return ops.copy(attacked)


def success_rate(model, images, targets):
    return float(ops.mean(ops.cast(_answers(model, images) == targets, "float32")))


def perturbation_norms(images, originals):
    change = ops.reshape(images - originals, (len(images), -1))
    return ops.max(ops.abs(change), axis=1), ops.sqrt(ops.sum(ops.square(change), axis=1))
