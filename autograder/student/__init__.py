"""The student's side: where one stands, hints, running on each save, notebooks, pictures, the student's pytest plugin.

commands      what a student types
standing      progress in words; `progress` keeps it
helping       hints, solutions, and a way back to the skeleton
watch         runs a unit on save: `runner` asks the process `warm_runner`, `screen` words what came of it
rewards       where the earned pictures are kept, and the gallery; `drawing` makes them
"""
