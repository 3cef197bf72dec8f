"""A letter of the name is of another alphabet."""


def totаl_variation(images):
    return images.sum((1, 2, 3))
