"""The worker: loads a student's modules and answers calls on them, in a process that holds no check and no solution.

It imports `errors` and `libraries` and nothing else of the autograder, so that a process which holds a worker holds no
check, no expected value and no solution. `protocol` says what crosses, `codec` how a value becomes bytes, `session` runs the
student's code, `namespace` holds its modules, `exchange` the objects that they make.
"""
