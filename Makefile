# Everything a newcomer or CI needs: git, make, python3 >= 3.11 and the package registries.
PYTHON ?= python3
BIN := .venv/bin
LOCK := requirements.lock
STAMP := .venv/.synced

# uv verifies TLS against the system's certificates, as pip does.
export UV_SYSTEM_CERTS = 1
export UV_NO_CONFIG = 1

.PHONY: setup demo test check golden e2e lock clean

setup: $(STAMP)

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gpuyard needs Python 3.11 or newer, not " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $(LOCK)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@# compile what a plan imports, and nothing else of the providers' 300 MB: the first plan is then as fast as the next
	@for stack in dev prod; do env -u PYTHONDONTWRITEBYTECODE $(BIN)/gpuyard check -s $$stack >/dev/null 2>&1 || true; done
	@touch $@

demo: setup
	@$(BIN)/gpuyard demo

test: setup
	$(BIN)/pytest -n 2 -q

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-cache

golden: setup  ## rewrite the golden files; read the diff before committing it
	$(BIN)/pytest -n 2 -q --snapshot-update

e2e: setup  ## lanes that need more than Python: the real Pulumi engine
	$(BIN)/pytest -q -m engine -rs tests

lock: setup  ## resolve again and rewrite the lock file
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --group dev \
		--no-header --upgrade --output-file $(LOCK) pyproject.toml

clean:
	rm -rf .venv build dist
