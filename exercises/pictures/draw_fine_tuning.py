"""The accuracy of a tuned network over its epochs, beside that of its frozen head, near to what it knows and far from it."""

import torch
import torch.nn.functional as F

import data
from data.domains import load_domain
from data.drawing import curves, sheet

EPOCHS = 10
NEAR_AND_FAR = {"tissue": range(12), "pets": range(0, 36, 3)}
TOO_HIGH = {"head_rate": 3e-2, "backbone_rate": 3e-2}


def draw(student):
    charts = []
    for name, classes in NEAR_AND_FAR.items():
        train, others = load_domain(name, per_class=12, classes=classes)
        model = with_trained_head(data.load_with_new_head("tiny", [str(k) for k in classes]), *train)
        with torch.no_grad():
            frozen = float((model(others[0]).argmax(dim=1) == others[1]).float().mean())
        tuned, spoilt = (
            student.fine_tune(model, train, others, epochs=EPOCHS, **rates)["valid_accuracy"]
            for rates in ({}, TOO_HIGH)
        )
        series = {"fine-tuned": tuned, "frozen": [frozen] * EPOCHS, "too high a rate": spoilt}
        chart = curves(series, x_name="epoch", y_name=f"{name}: accuracy on new pictures", size=(760, 330))
        charts.append(("", [(chart, f"{name}: {frozen:.0%} frozen, {max(tuned):.0%} fine-tuned at its best")]))
    return sheet("Your fine-tuned network", charts), "The accuracy of your fine-tuned network over its epochs."


def with_trained_head(model, images, labels):
    with torch.no_grad():
        features = model.backbone(images)
    adam = torch.optim.Adam(model.head.parameters(), lr=1e-2)
    for _ in range(200):
        adam.zero_grad()
        F.cross_entropy(model.head(features), labels).backward()
        adam.step()
    adam.zero_grad()
    return model
