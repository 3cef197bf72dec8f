"""The unit in Keras: its losses, its operations, its random numbers; the gradient is PyTorch's."""

import keras
import torch
from keras import ops


def class_loss(model, images, target):
    targets = ops.full((len(images),), target, dtype="int64")
    return ops.mean(keras.losses.sparse_categorical_crossentropy(targets, model(images), from_logits=True))


def _variation_loss(images):
    down = ops.sum(ops.abs(images[:, :, 1:] - images[:, :, :-1]))
    return (down + ops.sum(ops.abs(images[..., 1:] - images[..., :-1]))) / ops.size(images)


def ideal_loss(model, images, target, variation_weight):
    return class_loss(model, images, target) + variation_weight * _variation_loss(images)


def _descend(model, images, target, learning_rate, variation_weight):
    images = images.detach().requires_grad_()
    loss = ideal_loss(model, images, target, variation_weight)
    (slope,) = torch.autograd.grad(loss, images)
    return ops.clip(images.detach() - learning_rate * slope, 0.0, 1.0), float(loss)


def ideal_step(model, images, target, *, learning_rate, variation_weight):
    return _descend(model, images, target, learning_rate, variation_weight)[0]


def ideal_image(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image = keras.random.uniform((1, 3, size, size), seed=seed)
    losses = []
    for _ in range(steps):
        image, loss = _descend(model, image, target, learning_rate, variation_weight)
        losses.append(loss)
    return image, losses
