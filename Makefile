# One target a job; `make` alone lists them. Each can be interrupted and run again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
PORT ?= 8000
export PYTHONPATH := $(CURDIR)
export JUPYTER_PLATFORM_DIRS := 1

.DEFAULT_GOAL := help
.PHONY: browser help setup book html lab notebooks exercises data check test bench lock
.SILENT:

help: ## list the targets
	sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

setup: $(VENV)/.course ## install the course into .venv
	echo "Ready: make book reads the course, make lab runs it."

book: html ## build the book in both languages and serve it
	$(RUN) -m book.press.serve --port $(PORT)

html: $(VENV)/.course ## build the book into build/html
	$(RUN) -m book.press.build

lab: $(VENV)/.course ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=. --LabApp.default_url=/lab/tree/chapters

notebooks: $(VENV)/.course ## re-execute the notebooks whose code or library changed
	$(RUN) -m book.press.make

exercises: $(VENV)/.course ## regenerate the exercise and solution notebooks
	$(RUN) -m book.press.make $(notdir $(basename $(wildcard solutions/*.md)))

data: $(VENV)/.course ## fetch the texts and weights that chapters read (once; 280 MB)
	$(RUN) -m d2lmini.data

check: $(VENV)/.test ## lint, types, unit tests, parity, drift: under three minutes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(RUN) -m pytest -q -n 2 --dist loadfile -m "not browser" tests d2lmini book/press

test: browser check ## everything: also each notebook again, and the book in a real browser
	$(RUN) -m pytest -q -n 2 --dist loadfile -p tests.nbval_tolerance --nbval chapters/fr chapters/en exercises solutions
	$(RUN) -m book.press.build
	$(RUN) -m pytest -q -n 2 -m browser tests

browser: $(VENV)/.test
	$(RUN) -m tests.browser

bench: browser ## measure speed as ratios against peers in the same run
	$(RUN) -m tests.bench

lock: $(VENV)/.course ## renew the pins of requirements.lock.txt, for every system at once
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q pyproject.toml --all-extras --universal --python-version 3.11 --no-header --no-annotate --upgrade -o build/lock
	grep -vE '^(nvidia|cuda|triton)' build/lock > requirements.lock.txt  # PyTorch without a GPU needs none of these
	rm build/lock

$(VENV)/.course: pyproject.toml requirements.lock.txt
	$(call install,course)

$(VENV)/.test: pyproject.toml requirements.lock.txt
	$(call install,course$(comma)test)
	touch $(VENV)/.course

comma := ,
define install
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Python {v[0]}.{v[1]} is too old: the course needs 3.11 or newer; try make setup PYTHON=python3.12")'
	echo "Installing the course into $(VENV) (once; a few minutes, mostly PyTorch)…"
	$(PYTHON) -m venv $(VENV) || { echo "No venv module: install your system's python3-venv package, then run make again."; exit 1; }
	$(BIN)/pip install -q --disable-pip-version-check -c requirements.lock.txt -e ".[$(1)]" || { echo "Installing failed: the package registry must be reachable once. Check the connection, then run make again."; exit 1; }
	touch $@
endef
