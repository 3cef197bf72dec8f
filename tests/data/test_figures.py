"""The figures of the lessons: painted whole, with the numbers that the lessons quote."""

import re
import sys

import pytest
from PIL import Image

from tools import figures


def size_of(path):
    with Image.open(path) as image:
        return image.size


@pytest.mark.slow
def test_each_figure_is_painted(cache, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["figures", "--folder", str(tmp_path)])
    figures.main()
    sizes = {path.name: size_of(path) for path in tmp_path.iterdir()}
    assert sizes.keys() == {"feature_maps.png", "head_curves.png", "domains.png"}
    assert all(min(size) > 250 for size in sizes.values())
    printed = capsys.readouterr().out
    assert "stem: 16 maps of 32 x 32" in printed and "down4: 160 maps of 4 x 4" in printed
    losses = re.search(
        r"training loss (.+) to (.+); validation loss .+, lowest (.+)\n.* after (.+) steps; (.+) after", printed
    )
    assert list(map(float, losses.groups())) == pytest.approx([3.74, 0.13, 3.04, 33, 3.27], rel=0.1)
