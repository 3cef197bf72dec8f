"""Kuiz: sebelum dan selepas kuliah."""


def answers() -> dict[str, str]:
    # Urutan soalan 1 hingga 6 bagi setiap bahagian.
    sebelum = "bdacdb"
    selepas = "acbdca"
    jawapan = {f"pre_{i}": huruf for i, huruf in enumerate(sebelum, start=1)}
    jawapan |= {f"post_{i}": huruf for i, huruf in enumerate(selepas, start=1)}
    return jawapan
