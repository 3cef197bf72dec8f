"""The unit in Keras: its operations on images that are PyTorch's tensors."""

from keras import ops


def _check(images):
    if images.ndim != 4:
        raise ValueError(f"images has the shape {tuple(images.shape)}; expected (N, C, H, W)")


def total_variation(images):
    _check(images)
    down = ops.sum(ops.abs(images[:, :, 1:] - images[:, :, :-1]), axis=(1, 2, 3))
    return down + ops.sum(ops.abs(images[..., 1:] - images[..., :-1]), axis=(1, 2, 3))


def isotropic_variation(images, eps=1e-8):
    _check(images)
    down = images[:, :, 1:, :-1] - images[:, :, :-1, :-1]
    right = images[:, :, :-1, 1:] - images[:, :, :-1, :-1]
    return ops.sum(ops.sqrt(ops.square(down) + ops.square(right) + eps), axis=(1, 2, 3))


def variation_loss(images):
    _check(images)
    return ops.mean(total_variation(images)) / (images.shape[1] * images.shape[2] * images.shape[3])


def denoise(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _check(images)
    images = images.detach()
    pictures = images.clone()
    for _ in range(steps):
        pictures.requires_grad_(True)
        loss = ops.sum(ops.square(pictures - images)) + weight * ops.sum(total_variation(pictures))
        loss.backward()
        pictures = ops.clip(pictures.detach() - learning_rate * pictures.grad, 0.0, 1.0)
    return ops.clip(pictures, 0.0, 1.0).detach()
