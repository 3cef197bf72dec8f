import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


# The logarithm is taken of the mean probability, instead of the mean of the logarithms.
def class_loss__logarithm_of_the_mean(model: nn.Module, images: Tensor, target: int) -> Tensor:
    probabilities = model(images).softmax(dim=1)
    p_target = probabilities[:, target].mean()
    return -torch.log(p_target)


# The seed is given to the global generator instead of to one of its own, so the caller's random state is overwritten.
def ideal_image__seeds_the_global_generator(
    model: nn.Module,
    target: int,
    *,
    size: int = 64,
    steps: int = 200,
    learning_rate: float = 0.05,
    variation_weight: float = 1.0,
    seed: int = 0,
) -> tuple[Tensor, list[float]]:
    torch.manual_seed(seed)
    picture = torch.rand(1, 3, size, size, requires_grad=True)
    optimizer = torch.optim.Adam([picture], lr=learning_rate)
    history = []
    for _ in range(steps):
        loss = ideal_loss(model, picture, target, variation_weight)
        (picture.grad,) = torch.autograd.grad(loss, picture)
        optimizer.step()
        with torch.no_grad():
            picture.clamp_(0.0, 1.0)
        history.append(loss.item())
    return picture.detach(), history


_DEFAULTS = {"learning_rate": 0.05, "variation_weight": 1.0}


# `variation_weight or 1.0` turns an explicit weight of 0 into the default, so the variation can never be switched off.
def ideal_image__zero_weight_is_the_default(
    model: nn.Module,
    target: int,
    *,
    size: int = 64,
    steps: int = 200,
    learning_rate: float = 0.05,
    variation_weight: float = 1.0,
    seed: int = 0,
) -> tuple[Tensor, list[float]]:
    lr = learning_rate or _DEFAULTS["learning_rate"]
    weight = variation_weight or _DEFAULTS["variation_weight"]

    rng = torch.Generator().manual_seed(seed)
    x = torch.rand((1, 3, size, size), generator=rng).requires_grad_()
    adam = torch.optim.Adam([x], lr=lr)

    losses: list[float] = []
    for _ in range(steps):
        loss = ideal_loss(model, x, target, weight)
        x.grad = torch.autograd.grad(loss, x)[0]
        adam.step()
        x.data.clamp_(0, 1)
        losses.append(float(loss))
    return x.detach(), losses


# Clamping makes a new tensor, while the optimiser still holds the old one, so only the first step changes the picture.
def ideal_image__optimiser_holds_the_old_tensor(
    model: nn.Module,
    target: int,
    *,
    size: int = 64,
    steps: int = 200,
    learning_rate: float = 0.05,
    variation_weight: float = 1.0,
    seed: int = 0,
) -> tuple[Tensor, list[float]]:
    g = torch.Generator()
    g.manual_seed(seed)
    x = torch.rand(1, 3, size, size, generator=g)
    x.requires_grad_(True)
    opt = torch.optim.Adam([x], lr=learning_rate)
    losses = []
    for step in range(steps):
        opt.zero_grad()
        loss = ideal_loss(model, x, target, variation_weight)
        x.grad = torch.autograd.grad(loss, x)[0]
        opt.step()
        x = x.detach().clamp(0, 1).requires_grad_(True)
        losses.append(loss.item())
    return x.detach(), losses


# The loss of the noise is put in the list as well as the loss after every step, so the list has steps + 1 numbers.
def ideal_image__noise_in_the_losses(
    model: nn.Module,
    target: int,
    *,
    size: int = 64,
    steps: int = 200,
    learning_rate: float = 0.05,
    variation_weight: float = 1.0,
    seed: int = 0,
) -> tuple[Tensor, list[float]]:
    def objective(z):
        return ideal_loss(model, z, target, variation_weight)

    gen = torch.Generator().manual_seed(seed)
    x = torch.rand(1, 3, size, size, generator=gen).requires_grad_()
    opt = torch.optim.Adam([x], lr=learning_rate)

    loss = objective(x)
    losses = [loss.item()]
    for _ in range(steps):
        (x.grad,) = torch.autograd.grad(loss, x)
        opt.step()
        x.data.clamp_(0, 1)
        loss = objective(x)
        losses.append(loss.item())
    return x.detach(), losses


# The differences are averaged over the neighbour pairs instead of being summed and divided by C * H * W.
def ideal_loss__means_of_neighbour_pairs(
    model: nn.Module, images: Tensor, target: int, variation_weight: float
) -> Tensor:
    tv_h = (images[:, :, 1:, :] - images[:, :, :-1, :]).abs().mean()
    tv_w = (images[:, :, :, 1:] - images[:, :, :, :-1]).abs().mean()
    return class_loss(model, images, target) + variation_weight * (tv_h + tv_w)


# detach() shares the memory of the caller's tensor, so the in-place update and clamp overwrite `images` itself.
def ideal_step__changes_the_images_in_place(
    model: nn.Module, images: Tensor, target: int, *, learning_rate: float, variation_weight: float
) -> Tensor:
    x = images.detach()
    x.requires_grad_(True)
    loss = ideal_loss(model, x, target, variation_weight)
    (grad,) = torch.autograd.grad(loss, x)
    with torch.no_grad():
        x.sub_(learning_rate * grad)
        x.clamp_(0, 1)
    return x.detach()


# The gradient is divided by its norm before the step, as DeepDream tutorials do.
def ideal_step__gradient_normalised(model, images, target, *, learning_rate, variation_weight):
    img = images.detach().clone().requires_grad_(True)
    loss = ideal_loss(model, img, target, variation_weight)
    g = torch.autograd.grad(loss, img)[0]
    g = g / (g.norm() + 1e-8)
    img = img.detach() - learning_rate * g
    return torch.clamp(img, min=0.0, max=1.0)
