"""Fisher's linear discriminant, in closed form: class means, a shrunken covariance, and the same prior for each class."""

import torch


@torch.no_grad()
def _features(backbone, images):
    return backbone(images).double()


def linear_probe_accuracy(backbone, train, test, *, seed=0):
    (images, labels), (others, answers) = train, test
    features = _features(backbone, images)
    classes = labels.unique()
    means = torch.stack([features[labels == each].mean(dim=0) for each in classes])
    rest = features - means[torch.searchsorted(classes, labels)]
    scatter = rest.T @ rest / len(rest)
    width = scatter.shape[0]
    scatter = 0.5 * scatter + (0.5 * scatter.trace() / width + 1e-6) * torch.eye(width, dtype=scatter.dtype)
    weight = torch.linalg.solve(scatter, means.T)  # (D, K)
    bias = -0.5 * (means.T * weight).sum(dim=0)
    scores = _features(backbone, others) @ weight + bias
    return (classes[scores.argmax(dim=1)] == answers).double().mean().item()


def transfer_gain(pretrained, scratch, train, test, *, seed=0):
    return linear_probe_accuracy(pretrained, train, test, seed=seed) - linear_probe_accuracy(
        scratch, train, test, seed=seed
    )


def rank_domains(pretrained, scratch, domains, *, seed=0):
    gains = {name: transfer_gain(pretrained, scratch, *pair, seed=seed) for name, pair in domains.items()}
    return sorted(gains.items(), key=lambda item: item[1])[::-1]
