# Everything from a fresh clone: Python 3.11 or newer and make are all that is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SNAPSHOT ?= data/published/isoconfig_N4096T0.44_401_tc07.npz
OUT ?= out
# Processes that run the tests at once, a core each.
WORKERS ?= logical
BENCH := $(OUT)/bench

.PHONY: help env predict test lint types unit slow bench viewer gallery clean

help:
	@echo "make predict   predict the bundled snapshot: table, $(OUT)/prediction.extxyz, $(OUT)/map.png"
	@echo "make test      lint, types and tests"
	@echo "make slow      the long checks: full orientation sweep, a million particles, training"
	@echo "make bench     what everything costs: one table, $(BENCH)/table.md and .json"
	@echo "make gallery   draw every picture of docs/gallery.md anew"
	@echo "make viewer    bundle the interactive view's script (needs npm)"
	@echo "make env       the virtual environment in $(VENV) that the others use"

env: $(READY)

# Installed from constraints.txt, so that a new machine gets what was tested here.
$(READY): pyproject.toml constraints.txt setup.py $(wildcard native/*/*)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "glassbotan needs Python 3.11 or newer; give one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[simulate,dev]"
	@touch $(READY)

predict: $(READY)
	@mkdir -p $(OUT)
	$(BIN)/glassbotan predict $(SNAPSHOT) --output $(OUT)/prediction.extxyz --map $(OUT)/map.png

# Types are checked while tests run.
test: lint
	$(MAKE) -j 2 types unit

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

unit: $(READY)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile

slow: $(READY)
	$(BIN)/python -m pytest -m slow

# Each benchmark has more to offer: see its head.
bench: $(READY)
	@mkdir -p $(BENCH)
	$(BIN)/python benchmarks/network.py --repeats 3 --json $(BENCH)/network.json
	$(BIN)/python benchmarks/loading.py --repeats 3 --json $(BENCH)/loading.json
	$(BIN)/python benchmarks/predict.py --repeats 3 --json $(BENCH)/predict.json
	$(BIN)/python benchmarks/large.py --copies 1,8,64 --json $(BENCH)/large.json
	$(BIN)/python benchmarks/lammps_engine.py --repeats 3 --json $(BENCH)/lammps_engine.json
	$(BIN)/python benchmarks/ensemble.py --times 0 --repeats 2 --cache $(OUT)/ensemble --json $(BENCH)/ensemble.json
	$(BIN)/python benchmarks/table.py $(BENCH)

viewer:
	cd viewer && npm ci && npm run build

gallery: $(READY)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python tools/gallery.py

clean:
	rm -rf $(VENV) $(OUT)
