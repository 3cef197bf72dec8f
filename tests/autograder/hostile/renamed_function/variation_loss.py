"""Has the function under a name with a letter less."""


def variaton_loss(images):
    return images.mean()
