"""The unit in Keras: a head of its layers that its own optimizer trains on a network's features."""

import keras
import torch
from keras import ops


def _features(backbone, images):
    with torch.no_grad():
        return ops.concatenate([backbone(batch) for batch in images.split(64)])


def linear_probe_accuracy(backbone, train, test, *, seed=0):
    features, labels = _features(backbone, train[0]), train[1]
    head = keras.Sequential([keras.Input((features.shape[1],)), keras.layers.Dense(int(ops.max(labels)) + 1)])
    head.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    shuffled = keras.random.SeedGenerator(seed)
    for _ in range(20):
        for rows in keras.random.shuffle(torch.arange(len(labels)), seed=shuffled).split(32):
            head.train_on_batch(features[rows], labels[rows])
    with torch.no_grad():
        answers = ops.argmax(head(_features(backbone, test[0])), axis=-1)
    return float(ops.mean(ops.cast(answers == test[1], "float32")))


def transfer_gain(pretrained, scratch, train, test, *, seed=0):
    return linear_probe_accuracy(pretrained, train, test, seed=seed) - linear_probe_accuracy(
        scratch, train, test, seed=seed
    )


def rank_domains(pretrained, scratch, domains, *, seed=0):
    gains = {name: transfer_gain(pretrained, scratch, *domain, seed=seed) for name, domain in domains.items()}
    return sorted(gains.items(), key=lambda gain: -gain[1])
