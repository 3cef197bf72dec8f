"""One function of the unit is there, and another is not."""


def class_loss(model, images, target):
    return images.sum()
