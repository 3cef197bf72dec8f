"""The unit in JAX: images are its arrays, and gradients are its own."""

import jax
import jax.numpy as jnp

FRAMEWORK = "jax"


def _check(images):
    if images.ndim != 4:
        raise ValueError(f"images has the shape {images.shape}; expected (N, C, H, W)")


def total_variation(images):
    _check(images)
    down, right = jnp.abs(jnp.diff(images, axis=2)), jnp.abs(jnp.diff(images, axis=3))
    return down.sum(axis=(1, 2, 3)) + right.sum(axis=(1, 2, 3))


def isotropic_variation(images, eps=1e-8):
    _check(images)
    down = jnp.diff(images, axis=2)[..., :-1]
    right = jnp.diff(images, axis=3)[:, :, :-1]
    return jnp.sqrt(down**2 + right**2 + eps).sum(axis=(1, 2, 3))


def variation_loss(images):
    _check(images)
    return jnp.mean(total_variation(images) / images[0].size)


@jax.jit
def _step(pictures, images, weight, learning_rate):
    def objective(pictures):
        return jnp.sum((pictures - images) ** 2) + weight * jnp.sum(total_variation(pictures))

    return jnp.clip(pictures - learning_rate * jax.grad(objective)(pictures), 0, 1)


def denoise(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _check(images)
    pictures = images
    for _ in range(steps):
        pictures = _step(pictures, images, weight, learning_rate)
    return pictures
