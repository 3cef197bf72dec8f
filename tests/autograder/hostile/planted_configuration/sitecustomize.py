import pathlib

pathlib.Path("EVIDENCE/sitecustomize").write_text("run")
