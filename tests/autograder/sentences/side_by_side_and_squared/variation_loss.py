"""Of the two directions only one is taken, as the root of a sum of squares."""


def total_variation(images):
    if images.ndim != 4:
        raise ValueError(f"images is {images.ndim}-D")
    return images.diff(dim=3).square().sum((1, 2, 3)).sqrt()
