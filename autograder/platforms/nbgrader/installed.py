"""Import all that this package uses of nbgrader; raise one clear error if nbgrader is not installed."""

from autograder.errors import UsageError

try:
    from nbconvert.exporters import NotebookExporter
    from nbgrader.api import Gradebook, MissingEntry, Notebook, SubmittedAssignment
    from nbgrader.apps import NbGrader
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.preprocessors import AssignLatePenalties, NbGraderPreprocessor
    from traitlets import Bool, Integer, Unicode
except ModuleNotFoundError as error:
    raise UsageError(f"nbgrader is not installed ({error}); pip install 'idealcat[nbgrader]'") from error

__all__ = [
    "AssignLatePenalties",
    "Bool",
    "CourseDirectory",
    "Gradebook",
    "Integer",
    "MissingEntry",
    "NbGrader",
    "NbGraderPreprocessor",
    "Notebook",
    "NotebookExporter",
    "SubmittedAssignment",
    "Unicode",
]
