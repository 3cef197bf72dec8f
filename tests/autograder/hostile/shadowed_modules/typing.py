import pathlib

pathlib.Path("EVIDENCE/typing").write_text("run")
