"""A classifier that gives as many rows as it likes, and data sets of nothing."""

import torch


class Classifier(torch.nn.Module):
    classes = "not a list"

    def forward(self, images):
        return torch.zeros(len(images) + 1, 4, dtype=torch.complex64)


def train_pet_classifier(*_, **__):
    return Classifier()


def load_pets(root, split, size=64):
    return torch.zeros(0, 3, size, size), torch.zeros(0, dtype=torch.int64), []


def readable_images(folder):
    return {"a": 1}


def stratified_split(labels, fraction, seed=0):
    return torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
