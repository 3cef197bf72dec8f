"""The unit in JAX: a network is a callable on arrays, through which `jax.grad` goes."""

import jax
import jax.numpy as jnp

FRAMEWORK = "jax"


def _slope(model, images, labels):
    def loss(images):
        logs = jax.nn.log_softmax(model(images), axis=1)
        return -jnp.mean(logs[jnp.arange(len(labels)), labels])

    return jax.grad(loss)(images)


def fgsm(model, images, labels, epsilon):
    return jnp.clip(images + epsilon * jnp.sign(_slope(model, images, labels)), 0, 1)


def project(images, originals, epsilon):
    return jnp.clip(originals + jnp.clip(images - originals, -epsilon, epsilon), 0, 1)


def targeted_step(model, images, originals, targets, *, step_size, epsilon):
    return project(images - step_size * jnp.sign(_slope(model, images, targets)), originals, epsilon)


def targeted_attack(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    attacked = images
    for _ in range(steps):
        fooled = jnp.argmax(model(attacked), axis=1) == targets
        if fooled.all():
            break
        moved = targeted_step(model, attacked, images, targets, step_size=step_size, epsilon=epsilon)
        attacked = jnp.where(fooled[:, None, None, None], attacked, moved)
    return attacked


def success_rate(model, images, targets):
    return float(jnp.mean(jnp.argmax(model(images), axis=1) == targets))


def perturbation_norms(images, originals):
    change = (images - originals).reshape(len(images), -1)
    return jnp.abs(change).max(axis=1), jnp.sqrt((change**2).sum(axis=1))
