# make quickstart   set up, run a small real study offline, print its table
# make test         set up, run the whole test suite
# make lint         formatting, lint, types, import contracts
# make bench-report seconds and memory for the report of a study of 450 runs
# make bench        speed and memory against the Hugging Face Trainer, up to 8 minutes;
#                   DATA=<GLUE folder>, ARGS=--full for hours' worth

PYTHON ?= python3
BIN := .venv/bin
OUT ?= runs/quickstart

.PHONY: quickstart test lint bench bench-report clean

quickstart: .venv/ready
	$(BIN)/steadytune run examples/quickstart.yaml --out $(OUT)

# One thread a test process: two small processes are faster than two threads in one.
test: .venv/dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench-report: .venv/ready
	$(BIN)/python benchmarks/report_time.py

bench: .venv/ready
	$(PIP) --editable '.[demo,bench]'
	$(BIN)/python -m benchmarks.speed $(if $(DATA),--data-dir $(DATA)) $(ARGS)

# --no-compile: Python compiles what is really imported when it first is, which is much less.
PIP = $(BIN)/pip install --quiet --no-compile --constraint constraints.txt

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable '.[demo]'
	touch $@

.venv/dev: .venv/ready
	$(PIP) --editable '.[demo,dev]'
	touch $@

clean:
	rm -rf .venv runs
