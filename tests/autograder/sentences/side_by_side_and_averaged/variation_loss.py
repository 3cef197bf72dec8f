"""Of the two directions only one is taken, and averaged in place of summed."""


def total_variation(images):
    if images.ndim != 4:
        raise ValueError(f"images is {images.ndim}-D")
    return images.diff(dim=3).abs().mean((1, 2, 3))
