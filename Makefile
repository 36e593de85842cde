# hexkey: `make demo` and `make test` set themselves up in .venv; a second run sets nothing up again.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# What a set-up depends on: changed C or changed dependencies install anew, changed Python does not.
BUILD  := pyproject.toml setup.py $(wildcard cext/*.py cext/*.c cext/*.h)

.PHONY: help demo test test-long cosim bench fuzz bitstream lint format docs clean
help:
	@echo "make demo        photons become a key, on this machine, in about 20 seconds"
	@echo "make test        the tests, on both cores"
	@echo "make test-long   the tests that take minutes, too"
	@echo "make cosim       photons become a key through the simulated gateware, in some minutes"
	@echo "make bitstream   the gateware of the ULX3S 85F, or of another: make bitstream BOARD=ulx3s-25f"
	@echo "make bench       how fast each stage is, as ratios"
	@echo "make fuzz        the C kernels under sanitizers, for ten minutes or FUZZ_SECONDS"
	@echo "make lint        style, types and import contracts"
	@echo "make format      put the code into the house's format"
	@echo "make docs        write the generated pages of docs/ anew"
	@echo "make clean       remove what was built, .venv included"

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: python3 is missing: install Python 3.11 or newer" >&2; exit 1; }
	@command -v gcc >/dev/null || command -v clang >/dev/null || { echo "make: a C compiler is missing: install gcc" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11: give another with make PYTHON=..." >&2; exit 1; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "make: python3-venv is missing: install it" >&2; rm -rf $(VENV); exit 1; }

$(VENV)/.demo: $(BUILD) | $(BIN)/python
	@echo "installing hexkey and what it needs"
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[plot]'
	@touch $@

$(VENV)/.dev: $(BUILD) | $(BIN)/python
	@echo "installing hexkey and what its tests need"
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.demo $(VENV)/.bitstream

demo: $(VENV)/.demo
	@$(BIN)/hexkey demo

test: $(VENV)/.dev
	@$(BIN)/pytest -n 2 -m "not long" -q -rs $(PYTEST)

test-long: $(VENV)/.dev
	@$(BIN)/pytest -n 2 -q -rs $(PYTEST)

cosim: $(VENV)/.dev
	@$(BIN)/hexkey cosim

BOARD ?= ulx3s-85f
$(VENV)/.bitstream: $(BUILD) | $(BIN)/python
	@echo "installing hexkey and what builds its gateware"
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[bitstream]'
	@touch $@

bitstream: $(VENV)/.bitstream
	@$(BIN)/hexkey bitstream $(BOARD)

bench: $(VENV)/.dev
	@$(BIN)/hexkey bench --out hexkey-bench

FUZZ_SECONDS ?= 600
fuzz: $(VENV)/.dev
	@$(BIN)/python -m tests.cext.fuzz --seconds $(FUZZ_SECONDS)

lint: $(VENV)/.dev
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: $(VENV)/.dev
	@$(BIN)/python -m hexkey.wire.registers > docs/register-map.md

clean:
	rm -rf $(VENV) build dist *.egg-info host/hexkey/_native.abi3.so cext/_native.c hexkey-demo hexkey-cosim hexkey-bitstream hexkey-bench
