"""The new weight alone comes back, and the velocity is lost."""


def momentum_step(weight, velocity, gradient, *, learning_rate, momentum):
    step = momentum * velocity - learning_rate * gradient
    return weight + step
