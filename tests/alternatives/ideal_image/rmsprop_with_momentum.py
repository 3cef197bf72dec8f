"""RMSprop with momentum, whose first steps are many times as long as its rate, and a closure that it asks for the loss."""

import torch
import torch.nn.functional as F


def class_loss(model, images, target):
    logits = model(images)
    wanted = torch.zeros_like(logits)
    wanted[:, target] = 1.0
    return F.cross_entropy(logits, wanted)


def ideal_loss(model, images, target, variation_weight):
    loss = class_loss(model, images, target)
    if variation_weight:
        rows = F.l1_loss(images[..., 1:, :], images[..., :-1, :], reduction="sum")
        columns = F.l1_loss(images[..., 1:], images[..., :-1], reduction="sum")
        loss = loss + variation_weight * (rows + columns) / images.numel()
    return loss


def ideal_step(model, images, target, *, learning_rate, variation_weight):
    with torch.enable_grad():
        picture = images.detach().clone().requires_grad_()
        (slope,) = torch.autograd.grad(outputs=ideal_loss(model, picture, target, variation_weight), inputs=(picture,))
    return picture.detach().sub(slope, alpha=learning_rate).clamp(0, 1)


def ideal_image(model, target, *, size=64, steps=200, learning_rate=0.01, variation_weight=1.5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    picture = torch.rand((1, 3, size, size), generator=generator).requires_grad_()
    optimizer = torch.optim.RMSprop([picture], lr=learning_rate, momentum=0.5)
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = ideal_loss(model, picture, target, variation_weight)
        loss.backward()
        return loss

    for _ in range(steps):
        losses.append(optimizer.step(closure).item())
        with torch.no_grad():
            picture.copy_(picture.clamp(0, 1))
    model.zero_grad()
    return picture.detach().clone(), losses
