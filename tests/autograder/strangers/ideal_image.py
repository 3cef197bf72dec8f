import torch
import torch.nn.functional as F
from torch import nn


def class_loss__double_softmax(model, images, target):
    probs = nn.Softmax(dim=1)(model(images))
    y = torch.ones(images.size(0), dtype=torch.long) * target
    return nn.CrossEntropyLoss()(probs, y)


def class_loss__probability(model, images, target):
    p = torch.softmax(model(images), dim=-1)
    return -p[:, target].mean()


def ideal_step__plus(model, images, target, *, learning_rate, variation_weight):
    x = images.clone().detach()
    x.requires_grad = True
    y = torch.full((x.shape[0],), target, dtype=torch.int64)
    tv = (x[:, :, 1:] - x[:, :, :-1]).abs().sum() + (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().sum()
    loss = F.cross_entropy(model(x), y) + variation_weight * tv / x.numel()
    g = torch.autograd.grad(loss, [x])[0]
    return torch.clamp(x + learning_rate * g, min=0.0, max=1.0).detach()


def class_loss__added_up(model, images, target):
    log_probabilities = torch.log_softmax(model(images), dim=-1)
    return -log_probabilities[:, target].sum()


def ideal_loss__weighs_the_class(model, images, target, variation_weight):
    tv = (images[:, :, 1:] - images[:, :, :-1]).abs().sum() + (images[..., 1:] - images[..., :-1]).abs().sum()
    return variation_weight * class_loss(model, images, target) + tv / images.numel()


def ideal_step__sign_of_the_gradient(model, images, target, *, learning_rate, variation_weight):
    x = images.detach().clone().requires_grad_(True)
    grad = torch.autograd.grad(ideal_loss(model, x, target, variation_weight), x)[0]
    x = x.detach() - learning_rate * torch.sign(grad)
    return torch.clamp(x, min=0.0, max=1.0)


# A softmax is applied before the cross-entropy, which has one built in.
def class_loss__softmax_twice(model, images, target):
    probabilities = F.softmax(model(images), dim=1)
    wanted = torch.full((len(images),), int(target), dtype=torch.long, device=images.device)
    return F.cross_entropy(probabilities, wanted)


# The variation counts only the neighbours beside each other; those above each other are forgotten.
def ideal_loss__vertical_neighbours_forgotten(model, images, target, variation_weight):
    _, channels, height, width = images.shape
    beside = torch.abs(images[..., 1:] - images[..., :-1])
    variation = beside.sum(dim=(1, 2, 3)) / (channels * height * width)
    return class_loss(model, images, target) + variation_weight * variation.mean()


# backward() also fills the gradients of the model's weights, and they are not cleared.
def ideal_step__gradients_left_on_the_model(model, images, target, *, learning_rate, variation_weight):
    canvas = images.detach().clone()
    canvas.requires_grad = True
    with torch.enable_grad():
        loss = ideal_loss(model, canvas, target, variation_weight)
    loss.backward()
    with torch.no_grad():
        moved = canvas - learning_rate * canvas.grad
    return moved.clamp(min=0.0, max=1.0).detach()


# The noise is drawn after torch.manual_seed(seed), which reseeds the global random state.
def ideal_image__seeds_the_global_state(
    model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0
):
    torch.manual_seed(int(seed))
    picture = torch.rand(1, 3, int(size), int(size))
    weight = next(model.parameters(), None)
    if weight is not None:
        picture = picture.to(weight.device)
    losses = []
    for _ in range(steps):
        with torch.no_grad():
            losses.append(ideal_loss(model, picture, target, variation_weight).item())
        picture = ideal_step(
            model, picture, target, learning_rate=learning_rate, variation_weight=variation_weight
        )
    return picture, losses
