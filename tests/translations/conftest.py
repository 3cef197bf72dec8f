"""Keep pytest from taking the units in a language's folder for submissions: test_solved.py grades them."""

collect_ignore_glob = ["??/*.py"]
