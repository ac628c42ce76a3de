# `make` alone prints the targets. Another Python: make report PYTHON=python3.12
PYTHON  ?= python3
VENV    ?= .venv
CONTROL ?= data/recordings/control.csv
TREATED ?= data/recordings/long_qt.csv
OUT     ?= out/report
SUBMISSIONS ?= submissions
# Two workers; the tests of one file stay on one worker and share what they trained.
# tests/conftest.py divides the cores among the workers.
PYTEST_ARGS ?= -n 2 --dist loadscope

BIN       := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TESTABLE  := $(VENV)/.installed-test

# The kernel called python3 is the one of this environment, never one in the home folder.
export JUPYTER_PREFER_ENV_PATH := 1
# pip's own update notice is of no use here.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help report test lab student book grade lint clean

help: ## print this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' \
		| awk -F'|' '{ printf "make %-8s %s\n", $$1, $$2 }'

report: $(INSTALLED) ## install, then compare two recordings: out/report/report.html
	$(BIN)/ionlab report "$(CONTROL)" "$(TREATED)" --out "$(OUT)"

test: $(TESTABLE) ## install what the tests need, then run them all
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lab: $(INSTALLED) ## open JupyterLab on the lessons
	$(BIN)/jupyter lab notebooks/

student: $(INSTALLED) ## write student copies of the lessons, without answers: build/student
	$(BIN)/ionlab course student --out build/student

book: $(INSTALLED) ## execute all lessons and write them as pages: build/book/index.html
	$(BIN)/ionlab course book --out build/book

grade: $(INSTALLED) ## check submitted notebooks: make grade LESSON=05 SUBMISSIONS=dir
	@test -n "$(LESSON)" || { echo "Say which lesson: make grade LESSON=05 SUBMISSIONS=dir" >&2; exit 2; }
	$(BIN)/ionlab course grade "$(LESSON)" "$(SUBMISSIONS)" --out grades.csv

lint: $(TESTABLE) ## check style and format of code and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean: ## remove results and caches (the environment .venv stays)
	rm -rf out build ionlab.egg-info .pytest_cache .ruff_cache
	find . -path ./$(VENV) -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) \
		-type d -prune -exec rm -rf {} +

# Built anew whenever the dependencies change.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
		"ionlab needs Python 3.11 or newer; $(PYTHON) is older or missing." \
		"Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

$(TESTABLE): $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[test]"
	@touch $@
