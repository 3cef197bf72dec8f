"""The course's own data: networks and, with them, everything a unit needs offline."""

from data.cats_and_dogs import cats_and_dogs_root
from data.errors import CacheError, DataError, PetsError, WeightsError
from data.eyes import eye_backbone
from data.layers import Classifier
from data.networks import NAMES, load_backbone, load_model
from data.pets import pets_root
from data.toys import toy_backbone, toy_convnet, toy_dropout_head, toy_head, toy_model, toy_recording_head, toy_trainer

__all__ = [
    "NAMES",
    "CacheError",
    "Classifier",
    "DataError",
    "PetsError",
    "WeightsError",
    "cats_and_dogs_root",
    "eye_backbone",
    "load_backbone",
    "load_model",
    "pets_root",
    "toy_backbone",
    "toy_convnet",
    "toy_dropout_head",
    "toy_head",
    "toy_model",
    "toy_recording_head",
    "toy_trainer",
]
