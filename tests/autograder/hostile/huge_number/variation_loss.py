"""Returns an integer of 5000 digits, which Python itself refuses to print."""


def variation_loss(images):
    return 10**4900
