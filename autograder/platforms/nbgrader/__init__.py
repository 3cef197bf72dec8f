"""nbgrader: notebooks for it, marks into it. The only door to that package, which is an optional one.

assignment   a unit as a source notebook
config       what `nbgrader_config.py` calls
ahead        an assignment graded over all cores before nbgrader comes to its notebooks
sandboxed    nbgrader's autograding, with the sandboxed grader in place of the student's kernel
intake       what was handed in, where it is no notebook with a date
repair       submitted notebooks that nbgrader would stumble over
gradebook    marks into the gradebook without nbgrader's commands
"""
