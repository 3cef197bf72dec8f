"""The learning curve of a head that is trained for too long, and where the best epoch was."""

import data
from data.domains import load_domain
from data.drawing import curves, sheet
from data.networks import features_of


def draw(student):
    backbone = data.load_backbone("tiny")
    train, valid = load_domain("glyphs", per_class=4)
    # Clones outside of inference mode are ordinary tensors, through which a backward pass may go.
    (train, valid) = ((features_of(backbone, images).clone(), labels) for images, labels in (train, valid))
    head = student.build_head(train[0].shape[1], int(train[1].max()) + 1)
    history = student.fit_head(head, train, valid, epochs=60, learning_rate=1.0, batch_size=16)
    losses = {"training": history["train_loss"], "validation": history["valid_loss"]}
    best = losses["validation"].index(min(losses["validation"]))
    caption = f"lowest at epoch {best + 1}: right on {history['valid_accuracy'][best]:.0%} of what it never saw"
    chart = curves(losses, x_name="epoch", y_name="loss", mark=best + 1)
    return sheet("Your head learns an invented script", [("", [(chart, caption)])]), "The learning curve of your head."
