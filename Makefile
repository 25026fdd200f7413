# Every target makes what it needs; `make demo` and `make test` are all that a newcomer runs.
# PYTHON chooses the interpreter (3.11 or newer), VENV where its environment is kept.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TESTS_PATH := PYTHONPATH=tests:tests/coordination:tests/storm
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# WorkOS's own emulator refuses older ones.
NODE_IS_NEW := const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 20) ? 0 : 1)

# Pyright looks for the package where the environment in use has it.
COMPLETE_TYPES = VIRTUAL_ENV=$(abspath $(VENV)) PATH=$(abspath $(BIN)):$$PATH \
	$(BIN)/pyright --verifytypes authkit_asgi --ignoreexternal

.PHONY: demo test check format interop servers lowest dist workflows audit e2e docs breakages mutants soak memory bench clean

demo: $(VENV)/installed-example
	@$(BIN)/python -m example_app.demo

test: $(VENV)/installed-test
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage report

check: $(VENV)/installed-check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/pyright --project tests/typing
	$(BIN)/lint-imports --no-logo
	$(COMPLETE_TYPES)

format: $(VENV)/installed-check
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

interop: $(VENV)/installed-test tests/interop/node_modules/installed
	$(BIN)/python -m pytest --override-ini=addopts= --strict-markers -ra tests/interop tests/contract \
		--emulator ours --emulator official

tests/interop/node_modules/installed: tests/interop/package.json
	@node -e '$(NODE_IS_NEW)' && command -v npm > /dev/null || \
		{ echo 'Node.js 20.20 or newer with npm is needed' >&2; exit 1; }
	cd tests/interop && npm install --no-package-lock --no-audit --no-fund --ignore-scripts
	@touch $@

servers: $(VENV)/installed-servers
	$(BIN)/python -m pytest --override-ini=addopts= --strict-markers -ra tests/servers

# The lowest versions that pyproject.toml allows, in an environment of their own: what touches the
# dependencies. The deprecations that old versions warn of are theirs.
LOWEST := $(VENV)-lowest
LOWEST_TESTS := tests/seal tests/test_api.py tests/test_api_network.py tests/test_http_clients.py \
	tests/test_legacy_fernet.py tests/test_cli.py tests/coordination/test_shared_exchange.py \
	$(wildcard tests/testing/test_plugin_*.py) $(patsubst %,tests/asgi/test_%.py,fastapi \
	front_end_fastapi denial_handlers bearer_guards api_key_guard starlette_auth testclient \
	websocket responses lifespan mounts callback webhooks)
lowest: $(LOWEST)/installed-lowest
	$(LOWEST)/bin/python -m pytest -W ignore::DeprecationWarning $(LOWEST_TESTS)

$(LOWEST)/installed-lowest: tests/packaging/lowest.py pyproject.toml
	@$(MAKE) --no-print-directory VENV=$(LOWEST) $(LOWEST)/pip
	$(LOWEST)/bin/python tests/packaging/lowest.py pyproject.toml > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint $(LOWEST)/lowest.txt --editable . --group test
	@touch $@

# Builds wheel and sdist, and tries them as their users will; PYTHONS= are the interpreters to try.
dist: PYTHONS = $(BIN)/python
dist: $(VENV)/installed-dist
	rm -rf dist
	$(BIN)/python -m build --installer uv --outdir dist .
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	DIST_PYTHONS="$(PYTHONS)" $(BIN)/python -m pytest --override-ini=addopts= --strict-markers -ra \
		tests/packaging

workflows: $(VENV)/installed-workflows
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --pedantic --quiet .github

# Asks the public database of vulnerabilities about each package that is installed with ours. What
# it does not answer counts as a fault, so that this needs the network.
audit: $(VENV)/installed-audit
	$(BIN)/python -m pip freeze --exclude-editable > $(VENV)/audit.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement $(VENV)/audit.txt

e2e: $(VENV)/installed-e2e
	$(BIN)/python -m pytest --override-ini=addopts= --strict-markers -ra tests/e2e
	$(BIN)/python -m pytest --override-ini=addopts= --strict-markers -ra tests/storm/test_caching_front.py

# The site of the documentation, to be read from its folder; it loads nothing from elsewhere.
docs: $(VENV)/installed-docs
	$(BIN)/python docs/pictures/draw.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file .mkdocs.yml --site-dir $(abspath $(VENV)/site)
	! grep -rE '<(link|script|img|iframe)[^>]* (src|href)=.?(https?:)?//' $(VENV)/site --include='*.html'
	@echo 'The documentation is at $(VENV)/site/index.html'

# Breaks the code in many ways; each has to turn the tests red that tests/breakages names for it.
breakages: $(VENV)/installed-test $(VENV)/installed-servers $(VENV)/installed-e2e tests/interop/node_modules/installed
	$(BIN)/python tests/breakages/try_breakages.py $(ONLY)

# Everything in one run of about ten minutes, into docs/ too. ONLY=http,sizes chooses sections, and
# SMOKE=1 does as little as shows that all works; then docs/ stays as it is.
bench: $(VENV)/installed-bench $(VENV)/peers/installed
	@$(MAKE) tests/interop/node_modules/installed || echo "Node's peers are left out" >&2
	$(TESTS_PATH) $(BIN)/python tests/benchmarks/bench.py \
		--output $(VENV)/bench.json $(if $(ONLY),--only $(ONLY)) $(if $(SMOKE),--smoke) \
		$(if $(ONLY)$(SMOKE),,--docs docs)

# ONLY="session refresh" chooses modules.
mutants: $(VENV)/installed-mutants
	$(BIN)/python tests/mutants/run_mutmut.py $(VENV)/mutants $(ONLY)

# Users come and go behind nginx, which caches what it may, while WorkOS fails, workers are restarted
# and Redis is stopped, against a WorkOS in its strictest mode; SECONDS= chooses how long.
soak: SECONDS = 600
soak: $(VENV)/installed-test
	$(TESTS_PATH) $(BIN)/python tests/storm/soak.py $(SECONDS)

# What is remembered of hostile requests; REQUESTS= chooses how many of each kind. TRACED=1 also tells
# how much memory Python has given out, and takes five times longer.
memory: REQUESTS = 100000
memory: $(VENV)/installed-test
	PYTHONPATH=tests:tests/asgi:tests/coordination $(BIN)/python tests/benchmarks/memory.py $(REQUESTS) $(if $(TRACED),--traced)

clean:
	rm -rf $(VENV) $(LOWEST) tests/interop/node_modules .coverage build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 …' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) 'pip>=25.1'
	@touch $@

# The peers of the benchmarks, in an environment of their own: what they need is not to decide what
# we are tested with. Where one cannot be installed, the table says so.
$(VENV)/peers/installed: $(VENV)/pip pyproject.toml
	$(PYTHON) -m venv $(VENV)/peers
	$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	@for group in peer-auth0 peer-clerk; do \
		$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check --group $$group || \
			echo "$$group is left out of the benchmarks" >&2; \
	done
	@touch $@

# One stamp for each dependency group of pyproject.toml.
$(VENV)/installed-%: $(VENV)/pip pyproject.toml
	$(INSTALL) --editable . --group $*
	@touch $@
