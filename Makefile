# Everything runs in an environment of its own, .venv, which the first target that needs it builds:
# from the newest versions that pyproject.toml allows, as users get them, or with
# LOCK=.ci/requirements.txt from those versions, and those bytes, that the project is checked with.

PYTHON ?= python3
VENV ?= .venv
LOCK ?=
PINS := .ci/requirements.txt
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := build/demo
KAITAI := build/kaitai
PARSERS := $(KAITAI)/.compiled
PIP := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check

.PHONY: setup lock demo test lint docs fuzz coverage mutants bench clean

setup: $(STAMP) $(PARSERS)

$(STAMP): pyproject.toml $(LOCK)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lplr needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
ifeq ($(LOCK),)
	$(PIP) --editable '.[test,lint]'
else
	$(PIP) --require-hashes --requirement $(LOCK)
	$(PIP) --no-deps --no-build-isolation --editable .
endif
	@touch $@

# The parsers that Kaitai Struct makes of the description of the format. Without Node.js the tests of
# them are skipped, but not where a change is judged.
$(PARSERS): formats/lplr/lplr.ksy tests/kaitai/package-lock.json tests/kaitai/compile.mjs
	@mkdir -p $(KAITAI)
	@if command -v node >/dev/null && command -v npm >/dev/null; then \
		set -e; \
		cp tests/kaitai/package.json tests/kaitai/package-lock.json $(KAITAI); \
		npm ci --prefix $(KAITAI) --no-audit --no-fund --loglevel error >/dev/null; \
		node tests/kaitai/compile.mjs $(KAITAI); \
		touch $@; \
	else \
		echo 'formats/lplr/lplr.ksy is not tested: install nodejs (18 or later) and npm'; \
		test -z "$$CI"; \
	fi

# Pins the newest versions allowed of everything that the checks install, for every Python and
# platform. Needed after a change to the dependencies, and when the audit finds a flaw.
lock: $(STAMP)
	$(PIP) 'uv>=0.5'
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--extra test --extra lint --extra docs --extra audit --extra fuzz --custom-compile-command 'make lock' \
		--output-file $(PINS) pyproject.toml

# Compress sentence embeddings, restore them, measure the error against the original.
demo: $(STAMP)
	@mkdir -p $(DEMO)
	$(BIN)/lplr compress testdata/embeddings.npy --bpc 1 -o $(DEMO)/embeddings.lplr -f
	$(BIN)/lplr decompress $(DEMO)/embeddings.lplr -o $(DEMO)/embeddings.npy -f
	$(BIN)/lplr inspect $(DEMO)/embeddings.lplr --against testdata/embeddings.npy
	$(BIN)/lplr compress testdata/embeddings.npy -r 128 -b 4 --method lplr -o $(DEMO)/paper.lplr -f
	$(BIN)/lplr compress testdata/embeddings.npy --size $$(wc -c < $(DEMO)/paper.lplr) -o $(DEMO)/equal.lplr -f
	@echo; echo "The method of the paper, and the engine at the same size:"
	@$(BIN)/lplr inspect $(DEMO)/paper.lplr $(DEMO)/equal.lplr

test: $(STAMP) $(PARSERS)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The manual, as a site in build/docs. What cannot be resolved is an error.
docs: $(STAMP)
	$(BIN)/python -c 'import myst_parser, numpydoc, pydata_sphinx_theme, sphinx_click' 2>/dev/null || \
		$(PIP) --editable '.[docs]'
	$(BIN)/python -m sphinx -b html -W --keep-going -q -c docs -d build/doctrees . build/docs
	@echo "the manual is in build/docs/index.html"

# Branch coverage, which must not fall below what pyproject.toml says; ten minutes.
coverage: $(STAMP)
	$(PIP) --editable '.[test,campaign]'
	$(BIN)/python benchmarks/coverage_report.py

# A seeded sample of MUTANTS mutants of container and codings; 0 for all of them, which takes hours.
MUTANTS ?= 180
mutants: $(STAMP)
	$(PIP) --editable '.[test,campaign]'
	nice -n 10 $(BIN)/python benchmarks/mutants.py --count $(MUTANTS)

# Every harness of tests/fuzz for so many seconds, all at once.
fuzz: SECONDS ?= 60
fuzz: $(STAMP)
	$(BIN)/python -c 'import atheris' 2>/dev/null || $(PIP) --editable '.[fuzz]'
	$(BIN)/python benchmarks/fuzzing.py --seconds $(SECONDS)

# The peers of rate_distortion.py take hours; its results are committed.
bench: $(STAMP)
	$(PIP) --editable '.[bench]'
	$(BIN)/python benchmarks/packed_engine.py
	$(BIN)/python benchmarks/power_iterations.py
	$(BIN)/python benchmarks/quantizer_loss.py
	$(BIN)/python benchmarks/coder_speed.py
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/memory.py

clean:
	rm -rf $(VENV) build dist mutants
