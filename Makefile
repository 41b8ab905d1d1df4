PYTHON ?= python3
VENV := .venv

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo evidence test benchmark lint clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1: /p' Makefile

demo: $(VENV)/.installed-example ## Run the example backend with a believable past, until Ctrl-C
	@$(VENV)/bin/python -m example_app.demo

evidence: $(VENV)/.installed-example ## Write docs/evidence.md anew, from a real run
	@$(VENV)/bin/python -m example_app.evidence docs/evidence.md

test: $(VENV)/.installed-test ## Run the tests
	$(VENV)/bin/pytest

benchmark: $(VENV)/.installed-benchmark ## Measure what a snapshot costs in the database of a URL: make benchmark URL=...
	@$(VENV)/bin/python -m benchmarks load $(or $(URL),$(error name a database to load and measure: make benchmark URL=postgresql+psycopg://localhost/test))
	@$(VENV)/bin/python -m benchmarks run $(URL)

lint: $(VENV)/.installed-lint ## Check style, format and types
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

clean: ## Remove what make and the tools made; instance/, where the data is, stays
	rm -rf $(VENV) $(VENV)-* build dist *.egg-info .coverage .coverage.* .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each extra, so that what is installed is not installed again.
$(VENV)/.installed-%: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing the package with its extra '$*' into $(VENV) ..."
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

# pip is what an unfinished virtual environment lacks.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed, but $(PYTHON) is " + sys.version.split()[0] + "; name another one: make PYTHON=python3.12")'
	@$(PYTHON) -m venv --clear $(VENV)
