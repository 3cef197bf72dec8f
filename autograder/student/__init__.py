"""The student's side of the command line: where one stands, hints, watching a file being saved, pictures.

commands    the commands themselves
standing    progress in words
resetting   a file or a function back to its skeleton
watch       judges on save: `saves` and `keys` report to it, `judging` asks the warm process `judge`, `screen` words it all
gallery     the pictures on one page
"""
