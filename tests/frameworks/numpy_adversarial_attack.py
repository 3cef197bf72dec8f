"""The unit in NumPy: a network is a callable on arrays, and `model.vjp` takes a gradient back through it."""

import numpy as np

FRAMEWORK = "numpy"


def _slope(model, images, labels):
    """Return the gradient of the cross-entropy: that by the logits is the softmax less one at the label."""
    logits = model(images)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(len(labels)), labels] -= 1
    return model.vjp(images, shares / len(labels))


def fgsm(model, images, labels, epsilon):
    return np.clip(images + epsilon * np.sign(_slope(model, images, labels)), 0, 1)


def project(images, originals, epsilon):
    return np.clip(originals + np.clip(images - originals, -epsilon, epsilon), 0, 1)


def targeted_step(model, images, originals, targets, *, step_size, epsilon):
    return project(images - step_size * np.sign(_slope(model, images, targets)), originals, epsilon)


def targeted_attack(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    attacked = images.copy()
    for _ in range(steps):
        unfooled = model(attacked).argmax(axis=1) != targets
        if not unfooled.any():
            break
        attacked[unfooled] = targeted_step(
            model,
            attacked[unfooled],
            images[unfooled],
            targets[unfooled],
            step_size=step_size,
            epsilon=epsilon,
        )
    return attacked


def success_rate(model, images, targets):
    return float(np.mean(model(images).argmax(axis=1) == targets))


def perturbation_norms(images, originals):
    change = (images - originals).reshape(len(images), -1)
    return np.abs(change).max(axis=1), np.linalg.norm(change, axis=1)
