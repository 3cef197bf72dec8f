#!/usr/bin/env bash
# Gradescope runs this once, when it builds the autograder's image.
set -euo pipefail
apt-get update -q
apt-get install -q -y --no-install-recommends python3 python3-venv python3-pip libseccomp2
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "idealcat needs Python 3.11 or later: choose a newer base image")'
python3 -m venv /autograder/venv
cd /autograder/source/source
constraints=()
if [ -f constraints.txt ]; then constraints=(-c constraints.txt); fi
/autograder/venv/bin/pip install -q -e . "${constraints[@]}"
/autograder/venv/bin/autograder doctor
