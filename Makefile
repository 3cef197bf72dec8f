# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
OUT ?= out
# Each file's tests in one process, so that what they share is made once; and the files in their order.
PYTEST := $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder
# Minutes for each test, of which none shares anything with another: each goes to the process that is free.
LONG := $(patsubst %,tests/autograder/grading/test_%.py,alternatives keras course_verifies)
# On so many seeds the long ones grade each module.
SEEDS ?= 1

.PHONY: demo test test-all test-pythons lint format translations bench clean

demo: $(INSTALLED) ## grade a class of sample submissions
	@# The command ends with 1 where some submission failed a check, as in this class some must.
	@$(BIN)/autograder grade tests/autograder/samples --units variation_loss,adversarial_attack -o $(OUT) || [ $$? -eq 1 ]

test: $(INSTALLED) ## the project's tests, without the slow ones
	$(PYTEST) -m "not slow"

test-all: $(INSTALLED) ## every test, the slow ones on one seed; on more by SEEDS=20
	$(PYTEST) $(LONG:%=--ignore=%) && ended=0 || ended=$$?; \
	$(BIN)/pytest -n auto --dist worksteal --seeds $(SEEDS) $(LONG) && exit $$ended

test-pythons: ## `make test` on each Python from 3.11 to 3.13 that is found; those that are missing are named
	$(PYTHON) -m tools.pythons

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

translations: $(INSTALLED) ## bring the catalogs in step with the sources, and say what is missing in them
	$(BIN)/python -m tools.translations update
	$(BIN)/python -m tools.translations missing

bench: $(INSTALLED) ## this grader beside others, on the same checks and submissions; figures in bench.json
	$(BIN)/pip install -q -e ".[all,bench]" -c constraints.txt
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.nbgrader_ways

clean:
	rm -rf $(VENV) $(OUT) build dist *.egg-info

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "idealcat needs Python 3.11 or later; this is " + sys.version)'
	@echo "Setting up $(VENV); PyTorch is several gigabytes, so this takes a few minutes the first time."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -e ".[all]" -c constraints.txt
	@touch $@
