"""Jawapan kuiz, bahagian demi bahagian."""

SEBELUM = "bdacdb"
SELEPAS = "acbdca"


def answers() -> dict[str, str]:
    hasil = {}
    for bahagian, huruf in (("pre", SEBELUM), ("post", SELEPAS)):
        for nombor, pilihan in enumerate(huruf, 1):
            hasil[f"{bahagian}_{nombor}"] = pilihan
    return hasil
