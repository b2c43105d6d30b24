# `make install` sets up .venv, `make demo` runs the main job, `make sweep` a small sweep, `make test` passes the tests,
# `make test-slow` those that start clusters and kill machines, `make docs` builds the site. Each needs
# Python 3.11 or newer and a package registry, nothing else.
# On a machine without NVIDIA GPU, UV_TORCH_BACKEND=cpu spares the CUDA build of torch where uv can reach it.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
UV := $(shell command -v uv || echo $(CURDIR)/$(BIN)/uv)

.PHONY: install demo sweep bench docs test test-slow lint types layers unit clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "advnas needs Python 3.11 or newer: install one, or name it with PYTHON=/path/to/python"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(BIN)/python -m pip install --quiet uv
	@echo "installing into $(VENV): half a minute to several"
	$(UV) sync --quiet --inexact --compile-bytecode --python $(BIN)/python
	@touch $@
	@echo "installed in $(VENV); now: . $(VENV)/bin/activate"

demo: install
	$(BIN)/advnas pipeline digits
	@echo "What such a search is worth here: its architectures have 0.84 of the FD of random ones (p = 0.045," \
	  "12 against 24, two seeds each); docs/search.md says where that ends."

sweep: install
	$(BIN)/advnas sweep sweep_digits

test: lint types layers unit

bench: install
	$(BIN)/python -m benchmarks.supernet

# Warnings are errors (mkdocs.yml), unless --quiet hides them. The theme would advertise its successor.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo "open build/docs/index.html"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

layers: install
	$(BIN)/lint-imports

# Two processes with a thread each: faster than one with two, as half of the time is start-ups and small tensors.
# In the order of the folders, tests on Ray begin early: they are the longest (tests/conftest.py).
unit: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --numprocesses 2 --no-loadscope-reorder

# One after another: two Rays beside each other starve on two cores.
test-slow: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
