"""backward() on copies, with the model's gradients put away again; image by image where a loop reads well."""

import torch
import torch.nn as nn


def _signs(model, images, labels):
    before = [parameter.grad for parameter in model.parameters()]
    leaf = images.clone().detach()
    leaf.requires_grad = True
    nn.CrossEntropyLoss(reduction="sum")(model(leaf), labels).backward()
    for parameter, gradient in zip(model.parameters(), before, strict=True):
        parameter.grad = gradient
    return leaf.grad.sign()


def fgsm(model, images, labels, epsilon):
    if epsilon == 0:
        return images.detach().clone()
    return (images.detach() + epsilon * _signs(model, images, labels)).clip(0, 1)


def project(images, originals, epsilon):
    low = (originals - epsilon).clamp(min=0)
    high = (originals + epsilon).clamp(max=1)
    return torch.maximum(torch.minimum(images, high), low).detach()


def targeted_step(model, images, originals, targets, *, step_size, epsilon):
    stepped = images.detach() - step_size * _signs(model, images, targets)
    return project(stepped, originals, epsilon)


def targeted_attack(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    results = []
    for image, target in zip(images, targets, strict=True):
        original, goal = image[None].detach(), target[None]
        current = original.clone()
        for _ in range(steps):
            if success_rate(model, current, goal) == 1.0:
                break
            current = targeted_step(model, current, original, goal, step_size=step_size, epsilon=epsilon)
        results.append(current)
    return torch.cat(results)


def success_rate(model, images, targets):
    with torch.inference_mode():
        hits = [int(answer == target) for answer, target in zip(model(images).argmax(-1), targets, strict=True)]
    return sum(hits) / len(hits)


def perturbation_norms(images, originals):
    change = (images - originals).reshape(len(images), -1)
    return torch.linalg.vector_norm(change, float("inf"), dim=1), torch.linalg.vector_norm(change, 2, dim=1)
