"""Grade students' modules without ever sharing a process with them.

Public names; everything else may move between releases:

    autograder.compare                     assertions for checks
    autograder.diagnose.mistake            decorator for known mistakes
    autograder.notebook.check              check a unit from a student's notebook
    autograder.nbgrader.config.configure   set up nbgrader in `nbgrader_config.py`
    autograder.plugin                      the pytest plugin of the checks
"""

__version__ = "0.1.0"
