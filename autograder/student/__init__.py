"""Serve the student: progress, hints, runs on each save, notebooks, pictures, and the student's pytest plugin.

commands      commands that a student types
standing      progress in words; `progress` stores it
helping       hints, solutions, and resets to the skeleton
watch         runs a unit on each save: `runner` controls the process `warm_runner`, `keys` reads the keyboard
terminal      shows the result of a run
drawing       makes the pictures that a student earns
plugin        the student's pytest plugin; `debugger` ends tracebacks in the student's code
notebook      `check` in a notebook
"""
