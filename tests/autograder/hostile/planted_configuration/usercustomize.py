import pathlib

pathlib.Path("EVIDENCE/usercustomize").write_text("run")
