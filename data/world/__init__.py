"""The procedural world: drawn animals, things and textures, each picture from a seed."""

from data.world.scene import CLASSES, draw

__all__ = ["CLASSES", "draw"]
