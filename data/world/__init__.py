"""Draw the world: animals, things and textures; a seed gives the same picture on every machine."""

from data.world.scene import CATS, CLASSES, DOGS, dogs, draw, samples

__all__ = ["CATS", "CLASSES", "DOGS", "dogs", "draw", "samples"]
