"""The unit in Keras: pictures by its utilities, and a head of its layers that its own optimizer trains."""

import re
from pathlib import Path

import keras
import torch
from keras import ops
from torchvision.datasets import OxfordIIITPet

from data import Classifier


def breed_of(filename):
    found = re.fullmatch(r"(.+)_\d+", Path(filename).stem)
    if not found:
        raise ValueError(f"filename {filename!r} has no number at its end")
    return found[1]


def species_of(filename):
    return "cat" if breed_of(filename)[0].isupper() else "dog"


def _is_readable(path):
    try:
        keras.utils.img_to_array(keras.utils.load_img(path))
    except Exception:
        return False
    return True


def readable_images(folder):
    return sorted(path for path in Path(folder).iterdir() if _is_readable(path))


def _square(picture, size):
    pixels = keras.utils.img_to_array(picture.convert("RGB"), data_format="channels_first")
    height, width = pixels.shape[1:]
    short = min(height, width)
    height, width = size * height // short, size * width // short
    pixels = ops.image.resize(pixels, (height, width), antialias=True, data_format="channels_first")
    top, left = round((height - size) / 2), round((width - size) / 2)
    return ops.clip(pixels[:, top : top + size, left : left + size] / 255, 0, 1)


def load_pets(root, split, size=64):
    if split not in ("trainval", "test"):
        raise ValueError(f"split is {split!r}; expected 'trainval' or 'test'")
    try:
        pets = OxfordIIITPet(root, split)
    except RuntimeError as error:
        raise FileNotFoundError(f"there are no pets in {root}: download them or use data.pets_root()") from error
    pictures, labels = zip(*pets, strict=True)
    images = ops.stack([_square(picture, size) for picture in pictures])
    return images, ops.convert_to_tensor(labels, dtype="int64"), list(pets.classes)


def stratified_split(labels, fraction, seed=0):
    if not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction}; expected more than 0 and less than 1")
    shuffled = keras.random.SeedGenerator(seed)
    train, valid = [], []
    for label in labels.unique():
        members = keras.random.shuffle(torch.nonzero(labels == label)[:, 0], seed=shuffled)
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        valid.append(members[:count])
        train.append(members[count:])
    return tuple(keras.random.shuffle(ops.concatenate(side), seed=shuffled) for side in (train, valid))


def top_k_accuracy(logits, labels, k):
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"k is {k}; expected 1 to {logits.shape[1]}")
    return float(ops.mean(keras.metrics.sparse_top_k_categorical_accuracy(labels, logits, k=k)))


def confusion_matrix(predictions, labels, num_classes):
    counts = ops.bincount(labels * num_classes + predictions, minlength=num_classes**2)
    return ops.cast(ops.reshape(counts, (num_classes, num_classes)), "int64")


def most_confused(matrix, classes, n=5):
    pairs = [
        (classes[row], classes[column], int(matrix[row, column]))
        for row in range(len(classes))
        for column in range(len(classes))
        if row != column and matrix[row, column] > 0
    ]
    return sorted(pairs, key=lambda pair: pair[2], reverse=True)[:n]


def train_pet_classifier(backbone, images, labels, classes, *, seed=0):
    with torch.no_grad():
        features = ops.concatenate([backbone(batch) for batch in images.split(64)])
    head = keras.Sequential([keras.Input((features.shape[1],)), keras.layers.Dense(len(classes))])
    head.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    shuffled = keras.random.SeedGenerator(seed)
    for _ in range(20):
        for rows in keras.random.shuffle(torch.arange(len(labels)), seed=shuffled).split(32):
            head.train_on_batch(features[rows], labels[rows])
    return Classifier(backbone, head, classes).eval()
