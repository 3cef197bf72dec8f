"""A dalmatian, and what the layers of a network make of it: first edges, at last hardly anything that one could name."""

import data
from data.drawing import liveliest, picture, sheet
from data.world import draw as drawn

LAYERS = {"stem": "its first layer, stem", "block2": "its second block, block2", "down4": "its last layer, down4"}
SIDE = 64


def draw(student):
    dog = drawn("dalmatian", 4_000_001, 160)
    images = student.preprocess(dog, SIDE)[None]
    model = data.load_model("tiny")
    rows = [("the dalmatian, as your preprocess gives it", [(picture(images[0], 160), f"{SIDE} x {SIDE} pixels")])]
    for layer, name in LAYERS.items():
        maps = student.feature_maps(model, f"backbone.{layer}", images)[0]
        grid = student.feature_grid(liveliest(maps, 16), 8)
        caption = f"16 of {maps.shape[0]} maps of {maps.shape[1]} x {maps.shape[2]}, those that vary the most"
        rows.append((name, [(picture(grid, 800), caption)]))
    return sheet("What a network sees in a dalmatian", rows), "A dalmatian, and the feature maps of three layers."
