"""The grader graded: does the course catch what is wrong, let pass what is right, and give nothing away?

Each question is answered by handing in modules and looking at what the checks say: skeletons, solutions on many seeds,
solutions with one known mistake, modules that do nothing or take a shortcut, and mutants of the solutions.
"""

from autograder.grading.verify.mutants import Mutant
from autograder.grading.verify.trials import Bench, RunTrials, Trial, open_benches
from autograder.grading.verify.verification import QUESTIONS, Finding, Verification

__all__ = ["QUESTIONS", "Bench", "Finding", "Mutant", "RunTrials", "Trial", "Verification", "open_benches"]
