# Each target is one line that also works by hand; the README shows it for those without make.
PYTHON ?= python3
BIN := .venv/bin

book: .venv/ready  ## build the site and say where to open it
	$(BIN)/python -m autograde book

test: .venv/ready  ## everything that must hold
	$(BIN)/python -m pytest -n 2

execute: .venv/ready  ## run every chapter anew and keep its outputs in book/outputs
	$(BIN)/python -m autograde execute

release: .venv/ready  ## write the student notebooks
	$(BIN)/python -m autograde release

.venv/ready: requirements.txt pyproject.toml clipkit/pyproject.toml
	if command -v uv >/dev/null; then uv venv -q --allow-existing --python ">=3.11" .venv && uv pip install -q --python .venv -r requirements.txt; \
	else $(PYTHON) -m venv .venv && $(BIN)/pip install -q -r requirements.txt; fi
	touch $@

.PHONY: book test execute release
