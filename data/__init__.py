"""The course's own data: networks and, with them, everything a unit needs offline."""

from data.cats_and_dogs import cats_and_dogs_root
from data.errors import CacheError, DataError, PetsError, WeightsError
from data.eyes import eye_backbone, eye_model
from data.layers import Classifier
from data.networks import NAMES, load_backbone, load_model, load_with_new_head
from data.pets import pets_root
from data.toys import (
    toy_backbone,
    toy_convnet,
    toy_dropout_head,
    toy_head,
    toy_model,
    toy_recording_head,
    toy_recording_model,
    toy_stale_model,
    toy_telling_model,
)

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
    "toy_stale_model",
    "toy_telling_model",
]
