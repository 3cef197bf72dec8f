"""Dogs that fool one network, and what another, both together, and one that was trained on such images make of them."""

import copy

import torch
import torch.nn.functional as F

import data
from data.drawing import bars, picture, sheet
from data.world import CATS, DOGS, samples

EPSILON, SIDE, SHOWN, STEPS = 8 / 255, 180, 4, 30


def draw(student):
    tiny, robust = (data.load_model(name) for name in ("tiny", "tiny_robust"))
    images, _ = samples(DOGS, 4)
    targets = torch.full((len(images),), tiny.classes.index("siamese_cat"))
    fooling = targeted(tiny, images, targets)
    hardened = trained(student, tiny)
    rates = student.transfer_rates(fooling, targets, {"tiny": tiny, "tiny_robust": robust, "trained": hardened})
    together = student.ensemble_logits([tiny, robust], fooling)
    shares = {
        "tiny": rates["tiny"],
        "both together": float((together.argmax(dim=1) == targets).float().mean()),
        "tiny, trained": rates["trained"],
        "tiny_robust": rates["tiny_robust"],
    }
    chart = bars(shares, y_name="", form=".0%")
    rows = [
        (name, [(picture(fooling[k], SIDE), says(tiny, logits[k])) for k in range(SHOWN)])
        for name, logits in (
            ("to tiny, for which they were made", tiny(fooling[:SHOWN])),
            ("to tiny and tiny_robust together", together),
        )
    ]
    caption = f"tiny, trained: after {STEPS} steps on the images that fool it the most"
    rows.append(("the share of the dogs that are cats to each", [(chart, caption)]))
    return sheet("Whom else do these dogs fool?", rows), "Dogs that fool one network, and the shares that fool others."


def targeted(model, images, targets):
    """Images within EPSILON of these that the model takes for their targets."""
    change = torch.zeros_like(images)
    for _ in range(20):
        change.requires_grad_()
        (slope,) = torch.autograd.grad(F.cross_entropy(model(images + change), targets), change)
        change = (change.detach() - slope.sign() / 255).clamp(-EPSILON, EPSILON)
        change = (images + change).clamp(0, 1) - images
    return images + change


def trained(student, model):
    """A copy of the model, trained on the student's adversarial loss."""
    model = copy.deepcopy(model)
    images, labels = samples([*DOGS, *CATS], 8, seed=1)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    for batch in torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).repeat(12).split(32)[:STEPS]:
        slopes = student.adversarial_loss.gradient(model, images[batch], labels[batch], epsilon=EPSILON, steps=2)
        for parameter, slope in zip(model.parameters(), slopes, strict=True):
            parameter.grad = slope
        adam.step()
    return model.eval()


def says(model, logits):
    sure, index = logits.detach().softmax(dim=0).max(dim=0)
    return f"{model.classes[index].replace('_', ' ')} {sure.item():.0%}"
