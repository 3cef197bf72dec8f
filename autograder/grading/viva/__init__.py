"""Questions on a student's own code, for an oral exam, with keys that execution computes."""

from autograder.grading.viva.questions import Question, ask, printed_functions

__all__ = ["Question", "ask", "printed_functions"]
