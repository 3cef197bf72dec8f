"""Give nbgrader notebooks, and write marks into it. Only this folder imports nbgrader, which is optional.

assignment   writes a unit as a source notebook
config       configures nbgrader for a course
ahead        grades a whole assignment on all cores, before nbgrader comes to its notebooks
clean        removes a student's HTML and scripts from graded notebooks
own          runs an instructor's own tests on each student's functions
sandboxed    replaces nbgrader's execution of notebooks by the sandboxed grader
intake       finds submitted work, and repairs what nbgrader cannot read or grade
cells        gives points and sentences of a notebook's cells
gradebook    writes marks into the gradebook without nbgrader's commands
"""
