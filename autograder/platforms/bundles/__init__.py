"""Make bundles: the course that students get, and the grader that a platform installs, each as a folder and a zip.

A bundle is made from the solutions and the checks, and never from the files in `exercises/`, where somebody may have worked.
A bundle for students is searched for what they must not have before anything is written.
"""

from autograder.platforms.bundles.fingerprints import fingerprint_files
from autograder.platforms.bundles.leaks import leaks
from autograder.platforms.bundles.notebooks import notebooks_bundle
from autograder.platforms.bundles.platforms import (
    Grading,
    actions_bundle,
    actions_teacher_bundle,
    classroom50_bundle,
    gitlab_bundle,
    gradescope_bundle,
    release_secret,
)
from autograder.platforms.bundles.student import dependencies, student_bundle
from autograder.platforms.bundles.writing import require_free, try_out, write_bundle

__all__ = [
    "Grading",
    "actions_bundle",
    "actions_teacher_bundle",
    "classroom50_bundle",
    "dependencies",
    "fingerprint_files",
    "gitlab_bundle",
    "gradescope_bundle",
    "leaks",
    "notebooks_bundle",
    "release_secret",
    "require_free",
    "student_bundle",
    "try_out",
    "write_bundle",
]
