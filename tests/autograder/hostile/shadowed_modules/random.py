import pathlib

pathlib.Path("EVIDENCE/random").write_text("run")
