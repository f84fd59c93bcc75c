# Everything a checkout can do. `make` lists it. One needs Python 3.11 or later, and for the spark
# engine a Java 17 or 21; the rest is fetched, by requirements.lock.

PYTHON ?= python3
PY := .venv/bin/python
ARGS ?=
ENGINE ?= embedded

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test torture mutants bench lint format types docs site notebooks dist lock sbom audit clean java

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up ---------------------------------------------------------------------------------------

setup: .venv/.installed java ## make .venv from the lock, look for a Java, fetch Delta's jars
	@[ -z "$(JAVA)" ] || $(MAKE) --no-print-directory .venv/.jars

# A new lock means a new environment, so that nothing of an old one is left in it.
.venv/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "solatium needs Python 3.11 or later, and '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo not there)." \
	    "Name one: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/.installed: .venv/.locked setup.py pyproject.toml
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Spark fetches Delta's jars at its first session; here once, so that no test waits for them.
.venv/.jars: .venv/.installed
	$(PY) -m solatium.engine --fetch-jars
	@touch $@

# The Java that Spark would take, where it is a 17 or a 21; empty otherwise. Looked for once.
JAVA = $(eval JAVA := $(shell $(FIND_JAVA)))$(JAVA)
define FIND_JAVA
java=$${JAVA_HOME:+$$JAVA_HOME/bin/}java; \
major=$$("$$java" -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p' | head -n 1); \
case "$$major" in (17|21) command -v "$$java" ;; esac
endef

java:
	@[ -n "$(JAVA)" ] || { \
	  echo "No Java 17 or 21 (in JAVA_HOME, else on PATH), so the spark half is skipped." \
	    "To have it, e.g. on Debian: apt-get install openjdk-17-jre-headless" >&2; \
	  [ "$(CI)" != true ] || { echo "CI=true: a missing Java is a failure." >&2; exit 1; }; }

# --- use ------------------------------------------------------------------------------------------

demo: .venv/.installed ## replay a real lottery of 36,695 applications on the embedded engine
	@rm -rf build/demo
	@.venv/bin/solatium demo --keep build/demo

# PySpark's functions bind to classic or Connect once per process, so the engines have processes of
# their own, side by side: one for spark, two for embedded. ARGS go to pytest: ARGS="-k ledger".
test: setup ## run the tests, on both engines where there is a Java
	@mkdir -p build/test; \
	engines="embedded $(if $(JAVA),spark)"; pids=; failed=0; \
	for engine in $$engines; do \
	  workers=; [ $$engine = spark ] || workers="-n 2 --dist loadfile"; \
	  $(PY) -m pytest $$workers --engine $$engine -o cache_dir=build/test/cache-$$engine $(ARGS) \
	    > build/test/$$engine.txt 2>&1 & \
	  pids="$$pids $$!"; \
	done; \
	trap 'kill $$pids 2>/dev/null; exit 130' INT TERM; \
	set -- $$pids; \
	for engine in $$engines; do \
	  echo "--- $$engine: build/test/$$engine.txt"; \
	  wait $$1 || failed=1; shift; \
	  cat build/test/$$engine.txt; \
	done; \
	echo "--- in all"; \
	for engine in $$engines; do echo "$$engine: $$(tail -n 1 build/test/$$engine.txt)"; done; \
	exit $$failed

torture: setup ## run the long tests, on ENGINE (embedded, or spark)
	@$(PY) -m pytest -m "torture or at_length$(if $(filter spark,$(ENGINE)), or spark_at_length)" \
	  --engine $(ENGINE) $(ARGS)

mutants: setup ## break each rule once, and see that the tests notice
	@$(PY) tests/support/mutants.py $(ARGS)

bench: setup ## measure a night against the same by hand; ARGS="skew" and others (--help)
	@$(PY) -m benchmarks.run $(if $(ARGS),$(ARGS),night)
	@$(PY) -m benchmarks.report

# --- keeping it in order --------------------------------------------------------------------------

lint: .venv/.installed ## look for likely bugs, bad style, bad format and broken floors
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports --no-cache --no-logo

format: .venv/.installed ## mend what lint can mend by itself
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

types: .venv/.installed ## check the types
	@$(PY) -m mypy

docs: .venv/.installed ## make pages of tables from the contracts, docs/performance.md from results
	@mkdir -p docs
	@$(PY) -m solatium.contracts.page docs/tables.md
	@$(PY) -m solatium.contracts.star_page docs/star.md
	@$(PY) -m benchmarks.report

site: .venv/.installed ## write the documentation as a site to build/site
	@mkdir -p build
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet
	@echo "build/site/index.html"

notebooks: .venv/.installed ## run every notebook, and keep what its cells show in the .ipynb
	@$(PY) tools/notebooks.py notebooks/*.py

dist: ## make dist/solatium.zip for spark-submit's --py-files
	@$(PYTHON) tools/dist.py

# Made with the oldest Python that is supported, so that the lock holds for all.
lock: ## write requirements.lock again, from setup.py
	@rm -rf build/lock && $(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check pip-tools==7.6.2
	CUSTOM_COMPILE_COMMAND="make lock" build/lock/bin/pip-compile --quiet --generate-hashes \
	  --extra dev --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-emit-options --output-file requirements.lock setup.py

sbom: ## write build/sbom.json, a CycloneDX bill of materials of requirements.lock
	@rm -rf build/sbom && $(PYTHON) -m venv build/sbom
	@build/sbom/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
	@build/sbom/bin/cyclonedx-py requirements requirements.lock \
	  --output-reproducible --output-format JSON --output-file build/sbom.json
	@echo "build/sbom.json"

audit: ## look up known vulnerabilities of requirements.lock; needs pypi.org itself, no mirror
	@rm -rf build/audit && $(PYTHON) -m venv build/audit
	@build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@build/audit/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict

clean: ## remove what was built, and all caches; .venv stays
	@rm -rf build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache \
	  artifacts derby.log metastore_db spark-warehouse
	@find . -path ./.venv -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
