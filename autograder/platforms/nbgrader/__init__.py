"""Give nbgrader notebooks, and write marks into it. Only this folder imports nbgrader, which is optional.

assignment   a unit as a source notebook
config       settings that `nbgrader_config.py` calls for
ahead        an assignment graded over all cores before nbgrader comes to its notebooks
clean        graded notebooks without a student's HTML and scripts
own          an instructor's own tests, on each student's functions
sandboxed    nbgrader's autograding, with the sandboxed grader instead of the student's kernel
intake       submitted work, and how to go on if it is no notebook, has no valid date, or cannot be graded as it is
cells        points and sentences of a notebook's cells
gradebook    marks into the gradebook without nbgrader's commands
"""
