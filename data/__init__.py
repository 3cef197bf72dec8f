"""The course's own data: networks and, with them, everything a unit needs offline."""

from data.networks import Classifier

__all__ = ["Classifier"]
