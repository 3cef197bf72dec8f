"""The picture that a network takes for a zebra, as it grows out of faint noise: with variation loss and without."""

import torch

import data
from data.drawing import picture, sheet

SHOWN = (0, 5, 20, 80)
SIDE = 190


def draw(student):
    model = data.load_model("tiny_robust")
    zebra = model.classes.index("zebra")
    lent = student.send(model)
    noise = 0.4 + 0.2 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))

    def shown(image, step):
        with torch.no_grad():
            sure = model(image).softmax(dim=1)[0, zebra].item()
        return picture(image[0], SIDE), f"step {step}: zebra {sure:.0%}"

    def row(weight):
        image, cells = noise, []
        for step in range(SHOWN[-1] + 1):
            if step in SHOWN:
                cells.append(shown(image, step))
            image = student.ideal_step(lent, image, zebra, learning_rate=5.0, variation_weight=weight)
        return cells

    rows = [("with variation loss", row(0.5)), ("without", row(0.0))]
    return sheet("A zebra grows", rows), "The ideal zebra, growing out of noise with and without variation loss."
