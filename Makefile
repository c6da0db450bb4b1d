# make demo   the quickstart, executed: a table of scraped pages, and where to open it live
# make test   style, types, tests, notebooks, a real browser: what must hold before a commit
# make slow   the tests that take longer: kills, interrupts, benchmarks, page reloads, an image for Binder
# make browser  of these, the tests in a real browser, where there is a Chromium
# make coverage  the unit tests, with how much of the package they run; fails below the floor of pyproject.toml
# make dist   the sdist and the wheel, checked, in build/dist
# make docs   the documentation site, in build/docs; warnings are errors
# make lite   the site in the browser: JupyterLite with drawer_ipy and two notebooks, in build/lite
# make site   both of them: the documentation with the site in the browser below it
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
EXTENSION := $(wildcard drawer_ipy/labextension/*.json drawer_ipy/labextension/static/*.js)
NOTEBOOKS := $(wildcard notebooks/*.ipynb)

CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser)

.PHONY: demo test slow lint unit js notebooks browser slow-browser coverage docs lite site dist screenshots bench saved clean

demo: $(VENV)/.notebook
	@$(BIN)/python -m drawer_ipy.demo.quickstart notebooks/01_quickstart.ipynb

test: lint unit js notebooks browser

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The laws and the kernels wait more than they compute, so a few workers shorten them.
unit: $(VENV)/.dev
	$(BIN)/pytest tests -m "not slow" -n 4 --dist loadfile -q

slow: $(VENV)/.dev slow-browser
	$(BIN)/pytest tests -m slow -n 4 --dist loadfile -q

# The scripts of the live view and of the extension for JupyterLab, under node's own test runner.
js:
	@if command -v node >/dev/null; then node --test --test-reporter=dot tests/js/*.test.mjs; \
	else echo "js: no node here, so the tests of the scripts were left out"; fi

notebooks: $(VENV)/.dev
	$(BIN)/python -m pytest -p tests.support.free_ports --nbval $(NOTEBOOKS) -q

ifeq ($(CHROMIUM),)
browser slow-browser:
	@echo "There is no Chromium here, so the tests in tests/browser were NOT run."
	@echo "Install it (apt-get install chromium), or say where it is: make CHROMIUM=/path/to/chromium browser"
else
browser: $(VENV)/.browser
	CHROMIUM=$(CHROMIUM) $(BIN)/pytest tests/browser -m "not slow" -n 2 --dist loadscope -q

slow-browser: $(VENV)/.browser
	CHROMIUM=$(CHROMIUM) $(BIN)/pytest tests/browser -m slow -n 2 --dist loadscope -q
endif

# pytest-cov itself must not apply the floor: the report does, after the processes' shares were combined. Tests that
# bound the time of something can fail while it is measured (exit code 1); `make unit` is where they must pass.
coverage: $(VENV)/.dev
	$(BIN)/pytest tests -n 4 --dist loadfile -q --timeout 600 --ignore tests/test_benchmarks.py \
	  --cov --cov-report= --cov-fail-under=0 || [ $$? -eq 1 ]
	$(BIN)/coverage report

dist: $(VENV)/.dist
	rm -rf build/dist
	$(BIN)/python -m build --outdir build/dist .
	$(BIN)/twine check --strict build/dist/*
	$(BIN)/check-wheel-contents build/dist/*.whl

# The notebooks are executed while it is built. Nothing is requested from another host.
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q -b html docs build/docs
	@[ -z "$(CHROMIUM)" ] || $(PIP) 'playwright>=1.45'
	@[ -z "$(CHROMIUM)" ] || CHROMIUM=$(CHROMIUM) $(BIN)/python docs/make_cheat_sheet.py build/docs
	@echo "Open build/docs/index.html"

# It contains all that it needs: JupyterLab, Python for the browser, wheels. It is built in an environment of its own.
lite: $(BIN)/python
	$(BIN)/python docs/lite/make_site.py build/lite
	@echo "To open it: $(BIN)/python -m http.server --bind 127.0.0.1 -d build/lite, then http://127.0.0.1:8000/lab/index.html?path=quickstart.ipynb"

# What is published.
site: docs lite
	rm -rf build/docs/lite
	cp -r build/lite build/docs/lite

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

$(VENV)/.notebook: $(BIN)/python pyproject.toml $(EXTENSION)
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

$(VENV)/.dist: $(BIN)/python pyproject.toml
	@$(PIP) 'build>=1.2' 'twine>=6' 'check-wheel-contents>=0.6'
	@touch $@

$(VENV)/.docs: $(BIN)/python pyproject.toml
	@echo "Installing what builds the documentation site into $(VENV); this is done once"
	@$(PIP) -e '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
