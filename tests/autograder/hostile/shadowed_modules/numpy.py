import pathlib

pathlib.Path("EVIDENCE/numpy").write_text("run")
