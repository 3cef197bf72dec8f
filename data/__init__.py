"""Provide the course's own data: networks, and everything else that a unit needs without a network connection."""

from data.cache import CacheError, DataError
from data.layers import Classifier
from data.networks import NAMES, load_backbone, load_model, load_with_new_head
from data.pets import PetsError, cats_and_dogs_root, pets_root
from data.toys import (
    eye_backbone,
    eye_model,
    toy_backbone,
    toy_convnet,
    toy_dropout_head,
    toy_head,
    toy_model,
    toy_recording_head,
    toy_recording_model,
    toy_scaled_head,
    toy_stale_model,
    toy_telling_model,
    toy_trainer,
)
from data.weights import WeightsError

__all__ = [
    "NAMES",
    "CacheError",
    "Classifier",
    "DataError",
    "PetsError",
    "WeightsError",
    "cats_and_dogs_root",
    "eye_backbone",
    "eye_model",
    "load_backbone",
    "load_model",
    "load_with_new_head",
    "pets_root",
    "toy_backbone",
    "toy_convnet",
    "toy_dropout_head",
    "toy_head",
    "toy_model",
    "toy_recording_head",
    "toy_recording_model",
    "toy_scaled_head",
    "toy_stale_model",
    "toy_telling_model",
    "toy_trainer",
]
