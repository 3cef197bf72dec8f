"""Dogs that a network calls cats, with what it thinks before and after, and the change between them."""

import torch

import data
from data.drawing import amplified, picture, sheet
from data.world import dogs

SIDE, SHOWN, FACTOR = 190, 4, 8


def draw(student):
    model = data.load_model("tiny")
    images, labels = dogs(4)
    target = model.classes.index("siamese_cat")
    attacked = student.targeted_attack(model, images, torch.full((len(images),), target))
    with torch.no_grad():
        before, after = (model(batch).softmax(dim=1) for batch in (images, attacked))
    named, fooled = before.argmax(dim=1) == labels, after.argmax(dim=1) == target
    chosen = (named & fooled).nonzero().flatten()
    chosen = chosen[:: max(1, len(chosen) // SHOWN)][:SHOWN].tolist()
    changes = [attacked[k] - images[k] for k in chosen]
    rows = [
        ("before", [(picture(images[k], SIDE), says(model, before[k])) for k in chosen]),
        (
            f"the change, {FACTOR} times as strong",
            [(picture(amplified(each, FACTOR), SIDE), most(each)) for each in changes],
        ),
        ("after", [(picture(attacked[k], SIDE), says(model, after[k])) for k in chosen]),
    ]
    title = f"Cats, says the network: {int((named & fooled).sum())} of {int(named.sum())} dogs"
    return sheet(title, rows), "Dogs before and after your attack, and the change between."


def says(model, probabilities):
    sure, index = probabilities.max(dim=0)
    return f"{model.classes[index].replace('_', ' ')} {sure.item():.1%}"


def most(change):
    return f"at most {255 * change.abs().max().item():.0f} of 255"
