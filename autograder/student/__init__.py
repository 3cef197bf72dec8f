"""Serve the student: progress, hints, runs on each save, notebooks, pictures, and the student's pytest plugin.

commands      commands that a student types
standing      progress in words; `progress` stores it
helping       hints, solutions, and resets to the skeleton
watch         runs a unit on save: `runner` asks the process `warm_runner`, `screen` words the result
rewards       folder of the earned pictures, and the gallery; `drawing` makes them
"""
