"""What the pretraining is worth on three domains."""

import data
from data.domains import DOMAINS, load_domain
from data.drawing import bars, sheet


def draw(student):
    domains = {name: load_domain(name, per_class=4) for name in DOMAINS}
    gains = student.rank_domains(data.load_backbone("tiny"), data.load_backbone("tiny", pretrained=False), domains)
    chart = bars(dict(gains), y_name="accuracy that the pretraining adds")
    return sheet("Where transfer helps", [("", [(chart, f"most on {gains[0][0]}, least on {gains[-1][0]}")])]), (
        "What the pretraining adds to the accuracy on three domains."
    )
