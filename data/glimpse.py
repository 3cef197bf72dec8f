"""A glimpse of the domains: `python -m data.glimpse` paints `docs/pictures/domains.png`, for the lesson on domain shift."""

import argparse
from pathlib import Path

from PIL import Image

from data.domains import DOMAINS, load_domain
from data.drawing import picture, sheet

CLASSES = (0, 3, 6, 9)
SIDE = 120


def glimpse() -> Image.Image:
    """A picture of each of a few classes, one row for each domain."""
    rows = []
    for name in DOMAINS:
        (images, _), _ = load_domain(name, per_class=1, classes=CLASSES)
        rows.append((name, [(picture(image, SIDE), "") for image in images]))
    return sheet("Three domains, four classes of each", rows)


def main() -> None:
    """Paints it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("docs/pictures"))
    glimpse().save(parser.parse_args().folder / "domains.png", optimize=True)


if __name__ == "__main__":
    main()
