"""The course's own data: networks and, with them, everything a unit needs offline."""

from data.cats_and_dogs import cats_and_dogs_root
from data.errors import CacheError, DataError, PetsError, WeightsError
from data.eyes import eye_backbone
from data.layers import Classifier
from data.networks import NAMES, load_backbone, load_model
from data.pets import pets_root

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
]
