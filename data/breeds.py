"""Describe the 37 breeds of the Oxford-IIIT Pets as the course draws them: real names, invented portraits.

A cat's name begins with a capital letter and a dog's with a small one, as the real collection has it.
"""

from data.world.animals import BLACK, PINK, WHITE, Animal
from data.world.painter import Colour
from data.world.species import BLUE, CREAM, RED, TAN, cat, dog

SEAL: Colour = (70, 52, 46)
SLATE: Colour = (92, 98, 112)
LIVER: Colour = (92, 55, 38)
FAWN: Colour = (214, 178, 130)
COPPER: Colour = (205, 130, 45)
LEAF: Colour = (125, 175, 80)

_FLAT = {"head": (1.1, 0.95), "muzzle": (0.46, 0.22)}
_SPITZ = {"ears": "pointed", "fluff": 0.2, "tail": "curl", "ear_size": 0.7}
_BULL = {"head": (1.12, 0.95), "muzzle": (0.62, 0.46), "legs": 0.75, "tail": "stump"}
_TERRIER = {"muzzle": (0.4, 0.44), "fluff": 0.14, "body": (1.15, 0.58), "legs": 0.7}

BREEDS: dict[str, Animal] = {
    "Abyssinian": cat((175, 115, 65), marks=(LIVER,), pattern="brindle", ear_size=1.35, eyes=(COPPER,)),
    "american_bulldog": dog(WHITE, marks=(FAWN,), pattern="patches", ear_size=0.7, **_BULL),
    "american_pit_bull_terrier": dog((120, 95, 85), SLATE, ears="small", chest=(WHITE,), **_BULL),
    "basset_hound": dog(WHITE, ear_size=1.6, patches=(RED,), saddle=(RED,), legs=0.4, body=(1.6, 0.6), head=(0.9, 1.0)),
    "beagle": dog((196, 130, 75), blaze=(WHITE,), chest=(WHITE,), saddle=((50, 40, 36),), muzzle_colour=(WHITE,)),
    "Bengal": cat((205, 155, 90), marks=((60, 38, 24),), pattern="rosettes", eyes=(LEAF,), body=(1.5, 0.6)),
    "Birman": cat((240, 230, 210), points=(SEAL,), chest=(WHITE,), eyes=(BLUE,), fluff=0.16, tail="bushy"),
    "Bombay": cat((26, 24, 26), eyes=(COPPER,), ear_size=0.85, head=(1.05, 1.0)),
    "boxer": dog((190, 125, 70), muzzle_colour=((45, 35, 32),), chest=(WHITE,), ears="small", **_BULL),
    "British_Shorthair": cat(SLATE, head=(1.18, 1.05), ear_size=0.65, eyes=(COPPER,), body=(1.35, 0.72)),
    "chihuahua": dog(FAWN, ears="pointed", ear_size=1.5, head=(0.95, 0.9), eye_size=0.22, muzzle=(0.32, 0.28)),
    "Egyptian_Mau": cat((190, 185, 175), marks=((60, 58, 58),), pattern="spots", eyes=(LEAF,), ear_size=1.1),
    "english_cocker_spaniel": dog((150, 78, 42), ear_size=1.5, fluff=0.1, head=(0.85, 0.95), saddle=((120, 60, 30),)),
    "english_setter": dog(WHITE, marks=((70, 70, 80),), pattern="brindle", ear_size=1.25, fluff=0.07, tail="bushy"),
    "german_shorthaired": dog(LIVER, marks=((150, 130, 118),), pattern="brindle", head=(0.85, 1.0), legs=1.2),
    "great_pyrenees": dog(WHITE, fluff=0.14, body=(1.5, 0.8), tail="bushy", head=(1.05, 1.0)),
    "havanese": dog((225, 205, 180), marks=((150, 120, 90),), pattern="patches", ear_size=1.1, fluff=0.26, tail="curl"),
    "japanese_chin": dog(
        WHITE,
        saddle=(BLACK,),
        patches=(BLACK,),
        muzzle=(0.42, 0.26),
        eye_size=0.22,
        fluff=0.12,
        head=(1.05, 0.85),
    ),
    "keeshond": dog((120, 120, 122), marks=((205, 200, 192),), pattern="shaded", ruff=((175, 172, 165),), **_SPITZ),
    "leonberger": dog((185, 125, 70), ruff=((120, 75, 40),), muzzle_colour=(BLACK,), body=(1.55, 0.82)),
    "Maine_Coon": cat(
        (140, 105, 75),
        marks=((52, 40, 32),),
        pattern="tabby",
        ruff=((190, 165, 135),),
        fluff=0.15,
        tail="bushy",
    ),
    "miniature_pinscher": dog((40, 34, 34), ears="pointed", patches=(RED,), muzzle_colour=(RED,), head=(0.82, 0.9)),
    "newfoundland": dog((42, 38, 40), fluff=0.15, body=(1.55, 0.85), head=(1.12, 1.0), muzzle=(0.55, 0.46)),
    "Persian": cat((225, 190, 150), (205, 200, 198), fluff=0.28, ear_size=0.5, tail="bushy", eyes=(COPPER,), **_FLAT),
    "pomeranian": dog((225, 140, 70), ruff=((238, 175, 110),), head=(0.88, 0.8), **_SPITZ),
    "pug": dog((218, 185, 140), muzzle_colour=(BLACK,), saddle=(BLACK,), eye_size=0.24, ear_size=0.6, **_BULL),
    "Ragdoll": cat((232, 222, 212), points=((130, 125, 135),), blaze=(WHITE,), eyes=(BLUE,), fluff=0.12),
    "Russian_Blue": cat((128, 138, 155), eyes=(LEAF,), head=(0.92, 0.88), ear_size=1.2, nose=(SLATE,)),
    "saint_bernard": dog(
        (165, 85, 45), blaze=(WHITE,), chest=(WHITE,), muzzle_colour=(WHITE,), fluff=0.08, body=(1.55, 0.85)
    ),
    "samoyed": dog((244, 242, 236), **_SPITZ),
    "scottish_terrier": dog((36, 34, 38), ears="pointed", ear_size=0.9, **{**_TERRIER, "muzzle": (0.5, 0.6)}),
    "shiba_inu": dog((212, 140, 70), muzzle_colour=(CREAM,), chest=(CREAM,), ears="pointed", ear_size=0.8, tail="curl"),
    "Siamese": cat((226, 208, 180), points=(LIVER,), eyes=(BLUE,), head=(0.82, 0.9), ear_size=1.45, body=(1.4, 0.5)),
    "Sphynx": cat((226, 178, 165), PINK, ear_size=1.6, whiskers=False, eyes=((170, 200, 190),), body=(1.3, 0.52)),
    "staffordshire_bull_terrier": dog((85, 62, 48), marks=((40, 30, 26),), pattern="stripes", ears="small", **_BULL),
    "wheaten_terrier": dog((228, 196, 145), marks=(TAN,), pattern="curls", **_TERRIER),
    "yorkshire_terrier": dog(
        (75, 78, 92), blaze=(COPPER,), patches=(COPPER,), muzzle_colour=(COPPER,), ears="pointed", **_TERRIER
    ),
}
