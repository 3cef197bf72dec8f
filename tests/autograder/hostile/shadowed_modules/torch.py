import pathlib

pathlib.Path("EVIDENCE/torch").write_text("run")
