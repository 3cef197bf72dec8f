#!/usr/bin/env bash
# Grades class/ by all checks into out/, and writes a page for each student and one for the class into pages/.
set -euo pipefail
bin="${AUTOGRADER_BIN:-$PWD/.venv/bin}"
if [ -z "${IDEALCAT_SECRET:-}" ]; then IDEALCAT_SECRET=<[ secret ]>; fi
export IDEALCAT_SECRET IDEALCAT_COURSE="$PWD/course"
token=$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')
echo "::stop-commands::$token"  # what a student has written is no command here
code=0
"$bin/autograder" grade class --from github -o out --units=<[ units ]> || code=$?
echo "::$token::"
[ "$code" -le 1 ] || echo "::error title=Grades::not everybody has a grade; the log says why"
"$bin/autograder" report out --hidden=<[ hidden ]> -o pages
"$bin/autograder" report out --as markdown --hidden=<[ hidden ]> -o pages/summaries
if grep -q ',cannot be cloned$\|,there is no such commit$' commits.csv; then
  echo "::error title=Clones::not every repository is graded; commits.csv says which"
  exit 1
fi
[ "$code" -le 1 ]
