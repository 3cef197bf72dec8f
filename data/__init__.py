"""The course's own data: networks and, with them, everything a unit needs offline."""

from data.networks import Classifier, load_backbone, load_model

__all__ = ["Classifier", "load_backbone", "load_model"]
