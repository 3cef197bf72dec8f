"""The unit in JAX: a network is a callable on arrays, through which `jax.value_and_grad` goes."""

import jax
import jax.numpy as jnp

FRAMEWORK = "jax"


def class_loss(model, images, target):
    return -jnp.mean(jax.nn.log_softmax(model(images), axis=1)[:, target])


def _variation_loss(images):
    return (jnp.abs(jnp.diff(images, axis=2)).sum() + jnp.abs(jnp.diff(images, axis=3)).sum()) / images.size


def ideal_loss(model, images, target, variation_weight):
    return class_loss(model, images, target) + variation_weight * _variation_loss(images)


def _descend(model, images, target, learning_rate, variation_weight):
    loss, slope = jax.value_and_grad(lambda images: ideal_loss(model, images, target, variation_weight))(images)
    return jnp.clip(images - learning_rate * slope, 0, 1), float(loss)


def ideal_step(model, images, target, *, learning_rate, variation_weight):
    return _descend(model, images, target, learning_rate, variation_weight)[0]


def ideal_image(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image = jax.random.uniform(jax.random.key(seed), (1, 3, size, size), "float32")
    losses = []
    for _ in range(steps):
        image, loss = _descend(model, image, target, learning_rate, variation_weight)
        losses.append(loss)
    return image, losses
