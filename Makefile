# make demo   the quickstart, executed: a table of scraped pages, and where to open it live
# make test   everything that must hold: style, types, tests, notebooks, a real browser
# make browser  of these, the tests in a real browser, where there is a Chromium
# make coverage  the unit tests, with how much of the package they run; fails below the floor of pyproject.toml
# make bench  our costs beside those of our peers, as ratios
# make screenshots  the pictures of docs/screenshots, made anew in that browser
# make saved  the outputs that are saved in the notebooks, made anew

# The first Python that is new enough; make PYTHON=... says another.
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
  $$p $(NEW_ENOUGH) 2>/dev/null && { echo $$p; break; }; done)
# The tests write files as UTF-8 whatever the locale of who starts them.
export PYTHONUTF8 := 1
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check
NOTEBOOKS := $(wildcard notebooks/*.ipynb)

CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser)

.PHONY: demo test lint unit js notebooks browser coverage screenshots bench saved clean

demo: $(VENV)/.notebook
	@$(BIN)/python -m drawer_ipy.demo.quickstart notebooks/01_quickstart.ipynb

test: lint unit js notebooks browser

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The laws and the kernels wait more than they compute, so a few workers shorten them.
unit: $(VENV)/.dev
	$(BIN)/pytest tests -n 4 --dist loadfile -q

# The live view's script, under node's own test runner.
js:
	@if command -v node >/dev/null; then node --test --test-reporter=dot tests/js/*.test.mjs; \
	else echo "js: no node here, so the tests of the live view's script were left out"; fi

notebooks: $(VENV)/.dev
	$(BIN)/pytest --nbval $(NOTEBOOKS) -q

ifeq ($(CHROMIUM),)
browser:
	@echo "There is no Chromium here, so the tests in tests/browser were NOT run."
	@echo "Install it (apt-get install chromium), or say where it is: make CHROMIUM=/path/to/chromium browser"
else
browser: $(VENV)/.browser
	CHROMIUM=$(CHROMIUM) $(BIN)/pytest tests/browser -n 2 --dist loadscope -q
endif

# pytest-cov itself must not apply the floor: the report does, after the processes' shares were combined. Tests that
# bound the time of something can fail while it is measured (exit code 1); `make unit` is where they must pass.
coverage: $(VENV)/.dev
	$(BIN)/pytest tests -n 4 --dist loadfile -q --timeout 600 --ignore tests/test_benchmarks.py \
	  --cov --cov-report= --cov-fail-under=0 || [ $$? -eq 1 ]
	$(BIN)/coverage report

screenshots: $(VENV)/.browser
	PYTHONPATH=tests/support $(BIN)/python tests/browser/screenshots.py

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

saved: $(VENV)/.dev
	@for notebook in $(NOTEBOOKS); do \
	  $(BIN)/python -m drawer_ipy.demo.quickstart --save $$notebook || exit 1; done

# A virtual environment that was made only in part must not count as one.
$(BIN)/python:
	@test -n "$(PYTHON)" && $(PYTHON) $(NEW_ENOUGH) || { \
	  echo "drawer_ipy needs Python 3.11 or newer; say which: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.notebook: $(BIN)/python pyproject.toml
	@echo "Installing drawer_ipy and JupyterLab into $(VENV); this is done once and takes a minute or so"
	@$(PIP) -e '.[notebook]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	@echo "Installing drawer_ipy and its development tools into $(VENV); this is done once"
	@$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.notebook

$(VENV)/.browser: $(VENV)/.dev
	@echo "Installing what drives the browser into $(VENV); this is done once"
	@$(PIP) -e '.[browser]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
