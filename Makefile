# Each target is a line or two that also work by hand; the README shows them for those without make.
PYTHON ?= python3
PRESET ?= cpu
CHAPTER ?= all
PY := .venv/bin/python

book: .venv/ready     # build the site and say where to open it; PRESET=gpu shows the stored runs of a GPU
	$(PY) -m autograde book --preset $(PRESET)

pdf: .venv/ready      # print the whole book as one PDF, with Chromium or Chrome
	$(PY) -m autograde book --preset $(PRESET) --as pdf

links: .venv/ready    # ask every outside link for an answer
	$(PY) -m autograde book --as links

test: .venv/ready     # everything that must hold
	$(PY) -m pytest -n 2 --dist loadfile

check: .venv/ready    # what holds of one chapter, in a minute: CHAPTER=05_stability; all are those that differ from main
	$(PY) -m pytest -n 2 -q $(addprefix --chapter=,$(CHAPTER))

release: .venv/ready  # write the student notebooks
	$(PY) -m autograde release

execute: .venv/ready  # run every chapter anew and keep its outputs in book/outputs
	$(PY) -m autograde execute --preset $(PRESET)
	$(PY) book/readme_clip.py
	$(PY) -m autograde release

# uv where it is present (ten times faster), else pip, which Debian's and Ubuntu's Python brings only with python3-venv
.venv/ready: requirements.txt pyproject.toml clipkit/pyproject.toml
	if command -v uv >/dev/null; then uv venv -q --allow-existing --python ">=3.11" .venv && uv pip install -q --python .venv -r requirements.txt; \
	else { $(PYTHON) -c "import ensurepip" 2>/dev/null && $(PYTHON) -m venv .venv || $(PYTHON) .ci/make_venv.py; } && $(PY) -m pip install -q -r requirements.txt; fi
	touch $@

.PHONY: book pdf links test check release execute
