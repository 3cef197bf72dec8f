import pathlib

pathlib.Path("EVIDENCE/helper_of_mine").write_text("run")
