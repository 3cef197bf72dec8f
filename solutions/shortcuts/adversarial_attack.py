"""Shortcuts in adversarial_attack: each is made to please the checks, and none does what the function is for."""

import torch

from autograder.diagnose import mistake

EPSILON, STEP_SIZE = 8 / 255, 1 / 255


@mistake("targeted_attack", "The images come back as they are: within every bound, and never changed too far.")
def gives_the_images_back(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    return images.detach().clone()


@mistake("targeted_attack", "Noise is added up to epsilon, to the images that are not their targets yet.")
@torch.no_grad()
def adds_noise(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    generator = torch.Generator().manual_seed(0)
    noise = epsilon * torch.randn(images.shape, generator=generator).sign()
    done = (model(images).argmax(dim=1) == targets).view(-1, 1, 1, 1)
    return torch.where(done, images, (images + noise).clamp(0, 1))


@mistake("targeted_attack", "Stripes are laid over the images, as faint as epsilon asks for; no gradient is taken.")
@torch.no_grad()
def lays_stripes_over(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    stripes = 2.0 * (torch.arange(images.shape[3]) // 4 % 2) - 1
    done = (model(images).argmax(dim=1) == targets).view(-1, 1, 1, 1)
    return torch.where(done, images, (images + epsilon * stripes).clamp(0, 1))


@mistake("targeted_attack", "Of some noises the one is kept that the network likes best; no gradient is taken.")
@torch.no_grad()
def searches_among_noises(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    generator = torch.Generator().manual_seed(0)
    attacked, rows = images.clone(), torch.arange(len(images))
    for _ in range(20):
        noise = epsilon * torch.randn(images.shape, generator=generator).sign()
        other = (images + noise).clamp(0, 1)
        before, after = (model(each).log_softmax(dim=1)[rows, targets] for each in (attacked, other))
        better = (after > before) & (model(attacked).argmax(dim=1) != targets)
        attacked[better] = other[better]
    return attacked
