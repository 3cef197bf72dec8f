"""Describe the animals of the drawn world, by class name. No breed of the miniature pets is among them."""

from typing import Any

from data.world.animals import BLACK, WHITE, Animal
from data.world.painter import Colour

BROWN: Colour = (120, 78, 45)
TAN: Colour = (195, 150, 100)
CREAM: Colour = (232, 216, 188)
GREY: Colour = (135, 132, 130)
GINGER: Colour = (215, 130, 60)
RED: Colour = (170, 80, 40)
BLUE: Colour = (90, 165, 235)
AMBER: Colour = (150, 95, 35)
GREEN: Colour = (140, 175, 80)

_FELINE = {"slit": True, "whiskers": True, "eyes": (GREEN, (200, 170, 60)), "muzzle": (0.38, 0.24)}
_CANINE = {
    "ears": "floppy",
    "muzzle": (0.46, 0.4),
    "nose": (BLACK,),
    "nose_size": 0.2,
    "eyes": (AMBER, (70, 45, 25)),
    "eye_size": 0.14,
    "tongue": True,
}
_HOOFED = {"profile": True, "legs": 1.4, "tail": "tuft", "body": (1.4, 0.66)}


def cat(*base: Colour, **traits: Any) -> Animal:
    """Return a cat of one of the colours: pointed ears, large eyes with slits, whiskers; other traits as given."""
    return Animal(base, **{**_FELINE, **traits})


def dog(*base: Colour, **traits: Any) -> Animal:
    """Return a dog of one of the colours: hanging ears, a large black nose, small dark eyes; traits as given."""
    return Animal(base, **{**_CANINE, **traits})


def hoofed(*base: Colour, **traits: Any) -> Animal:
    """Return a hoofed animal of one of the colours: a long head seen from the side, long legs; traits as given."""
    return Animal(base, **{**_HOOFED, **traits})


SPECIES: dict[str, Animal] = {
    "tabby_cat": cat(GREY, TAN, (165, 140, 110), marks=((60, 50, 42),), pattern="tabby"),
    "siamese_cat": cat(CREAM, (238, 226, 204), points=((62, 46, 40), (80, 62, 55)), eyes=(BLUE,)),
    "black_cat": cat((38, 36, 38)),
    "white_cat": cat(WHITE, fluff=0.06, tail="bushy"),
    "ginger_cat": cat(GINGER, marks=((160, 82, 30),), pattern="tabby", chest=(WHITE,)),
    "dog": dog(BROWN, TAN, CREAM, GREY, (60, 50, 45), GINGER),
    "dalmatian": dog(WHITE, pattern="spots"),
    "husky": dog(
        (100, 104, 112),
        (60, 62, 68),
        ears="pointed",
        muzzle_colour=(WHITE,),
        blaze=(WHITE,),
        chest=(WHITE,),
        tail="curl",
        fluff=0.06,
        eyes=(BLUE,),
    ),
    "hound": dog(WHITE, ear_size=1.15, patches=((150, 88, 45),), saddle=((45, 36, 32), (150, 88, 45))),
    "poodle": dog(
        WHITE,
        (70, 60, 58),
        (200, 165, 130),
        marks=((150, 140, 135),),
        pattern="curls",
        ear_size=1.2,
        fluff=0.22,
        tail="curl",
    ),
    "zebra": hoofed(WHITE, marks=((22, 20, 22),), pattern="stripes", mane=True, muzzle_colour=((50, 45, 45),)),
    "horse": hoofed(BROWN, RED, (80, 60, 50), CREAM, marks=(BLACK, CREAM), mane=True),
    "cow": hoofed(WHITE, marks=(BLACK, BROWN), pattern="patches", muzzle_colour=((225, 165, 155),), horns=True),
    "giraffe": hoofed((150, 90, 40), marks=((232, 200, 140),), pattern="net", neck=1.1, horns=True, body=(1.15, 0.6)),
    "sheep": hoofed(
        WHITE,
        marks=((205, 200, 190),),
        pattern="curls",
        fluff=0.15,
        muzzle_colour=((60, 52, 48),),
        legs=0.9,
        body=(1.3, 0.85),
        tail="stump",
    ),
    "tiger": cat(
        (225, 140, 55),
        marks=((30, 22, 18),),
        pattern="stripes",
        ears="round",
        muzzle=(0.46, 0.34),
        muzzle_colour=(WHITE,),
        body=(1.5, 0.66),
    ),
    "leopard": cat((220, 175, 100), marks=((45, 32, 22),), pattern="rosettes", ears="round", body=(1.5, 0.62)),
    "lion": cat((205, 160, 95), ears="round", tail="tuft", ruff=((125, 72, 32), (90, 55, 30))),
    "fox": dog(
        (200, 95, 40),
        ears="pointed",
        ear_size=1.2,
        head=(0.95, 0.8),
        muzzle_colour=(WHITE,),
        chest=(WHITE,),
        tail="bushy",
    ),
    "bear": dog((90, 62, 42), (60, 44, 34), ears="round", tail="stump", fluff=0.08, body=(1.4, 0.8)),
    "panda": dog(
        WHITE,
        ears="round",
        points=((32, 30, 32),),
        patches=((32, 30, 32),),
        muzzle_colour=(WHITE,),
        tail="stump",
        body=(1.3, 0.8),
    ),
    "rabbit": Animal((GREY, WHITE, TAN), ears="long", tail="stump", whiskers=True, body=(1.0, 0.7), legs=0.6),
    "pig": Animal(
        ((235, 170, 165),),
        ears="small",
        muzzle_colour=((215, 130, 130),),
        eyes=(BLACK,),
        eye_size=0.1,
        tail="curl",
        legs=0.6,
        body=(1.4, 0.8),
    ),
}
