PYTHON ?= python3
VENV := .venv

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo evidence openapi test test-fast docs screenshots benchmark lint hooks clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1: /p' Makefile

demo: $(VENV)/.installed-example ## Run the example backend with a believable past, until Ctrl-C: make demo [DATABASE_URL=...]
	@$(VENV)/bin/python -m example_app.demo $(DEMO_DATABASE_URL)

# Not from the environment: an exported DATABASE_URL may name a database of yours. In quotes for the
# shell to expand, so that no character of a URL is special.
DEMO_DATABASE_URL = $(if $(filter command,$(origin DATABASE_URL)),"$$DATABASE_URL")

evidence: $(VENV)/.installed-example ## Write docs/evidence.md anew, from a real run
	@$(VENV)/bin/python -m example_app.demo.evidence docs/evidence.md

openapi: $(VENV)/.installed-example ## Write docs/openapi.json anew
	@$(VENV)/bin/flask --app example_app task-metrics openapi > docs/openapi.json

test: $(VENV)/.installed-test ## Run the tests, on every database that is there
	$(VENV)/bin/pytest --numprocesses logical

test-fast: $(VENV)/.installed-test ## Run the quick tests, on SQLite alone
	$(VENV)/bin/pytest --numprocesses logical --db sqlite -m "not slow"

docs: $(VENV)/.installed-docs ## Build the documentation into build/docs
	$(VENV)/bin/sphinx-build -W --keep-going -n -b html docs build/docs
	@echo "Open build/docs/index.html"

screenshots: $(VENV)/.installed-test ## Take the pictures of the dashboard anew, with Chromium
	@PYTHONPATH=. $(VENV)/bin/python docs/screenshots.py

benchmark: $(VENV)/.installed-benchmark ## Measure what a snapshot costs in the database of a URL: make benchmark URL=...
	@$(if $(URL),,$(error name a database to load and measure: make benchmark URL=postgresql+psycopg://localhost/test))
	@$(VENV)/bin/python -m benchmarks load "$$URL"
	@$(VENV)/bin/python -m benchmarks run "$$URL"

# Without Node there is all but the check of the dashboard's scripts; CI must have it.
NPM := $(or $(shell command -v npm),$(CI))

lint: $(VENV)/.installed-lint $(if $(NPM),node_modules/.installed) ## Check style, format, types and the order of the imports
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo --no-cache
	$(VENV)/bin/python .ci/public_types.py
	$(if $(NPM),npm run --silent lint,@echo "The dashboard's scripts are not checked: there is no npm.")

node_modules/.installed: package.json package-lock.json
	@npm ci --silent --no-audit --no-fund
	@touch $@

hooks: $(VENV)/.installed-hooks ## Have git run make lint before each commit
	$(VENV)/bin/pre-commit install

clean: ## Remove what make and the tools made; instance/, where the data is, stays
	rm -rf $(VENV) $(VENV)-* node_modules build dist *.egg-info .coverage .coverage.* .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each dependency group, so that nothing is installed twice. setuptools warns of each
# editable install.
$(VENV)/.installed-%: pyproject.toml | $(VENV)/.made
	@echo "Installing the package and the dependency group '$*' into $(VENV) ..."
	@$(STILL) PYTHONWARNINGS=ignore $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[cli,mysql,openapi,postgresql,prometheus]' --group $*
	@touch $@

# --group needs pip 25.1, and Python 3.10 to 3.13 come with an older one.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed, but $(PYTHON) is " + sys.version.split()[0] + "; name another one: make PYTHON=python3.12")'
	@echo "Making a virtual environment in $(VENV) ..."
	@$(STILL) $(PYTHON) -m venv --clear $(VENV)
	@$(STILL) $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@touch $@

# Says every five seconds that a command is still running, and ends with the shell that runs it.
STILL = while sleep 5 && kill -0 $$$$ 2>/dev/null; do echo "... still at it"; done &
