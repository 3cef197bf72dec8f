# This Python 3 environment comes with many helpful analytics libraries installed
# For example, here's several helpful packages to load

import os  # input data files are in the read-only "../input/" directory
import pathlib

import numpy as np  # linear algebra
import torch

for dirname, _, filenames in os.walk("/kaggle/input"):
    for filename in filenames:
        print(os.path.join(dirname, filename))

INPUT = pathlib.Path("/kaggle/input/oxford-pets")
files = sorted(INPUT.glob("**/*.jpg"))
first = files[0] if files else None
names = os.listdir(INPUT) if INPUT.exists() else []
labels_by_file = np.loadtxt(INPUT / "labels.csv", delimiter=",")


def breed_of(filename):
    stem = os.path.splitext(os.path.basename(filename))[0]
    breed, _, number = stem.rpartition("_")
    if not breed or not (number.isascii() and number.isdigit()):
        raise ValueError(f"filename has no number: {filename}")
    return breed


def species_of(filename):
    return ("dog", "cat")[breed_of(filename)[0].isupper()]


def top_k_accuracy(logits, labels, k):
    if k < 1 or k > logits.shape[1]:
        raise ValueError(f"k is {k}")
    hits = torch.topk(logits, k, dim=1).indices.eq(labels[:, None]).any(dim=1)
    return np.mean(hits.numpy())


def confusion_matrix(predictions, labels, num_classes):
    matrix = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(matrix, (labels.numpy(), predictions.numpy()), 1)
    return torch.from_numpy(matrix)


train_files = files[: int(0.8 * len(files))]
print("first label", labels_by_file[0])
