# The course in a few commands; `make` lists them.

# An environment that is there is used as it is; PYTHON=python3.12 makes another.
PYTHON ?= $(or $(wildcard .venv/bin/python),python3)
PORT ?= 8000
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup browser sandbox book pdf serve lab test linkcheck elsewhere bench compare lighthouse lint format pins clean

help:  ## list these commands
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## make .venv from the pinned requirements (the others do it when needed)
	@$(PYTHON) tools/venv.py

book: setup  ## build the book into _build/html
	@$(BIN)/python tools/build_book.py

pdf: book browser  ## print the book into one PDF in _build
	@$(BIN)/python tools/build_pdf.py

serve: book  ## build the book and serve it on this machine
	@$(BIN)/python tools/serve.py --port $(PORT)

lab: setup  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab

browser: setup
	@$(BIN)/python tools/browser.py > /dev/null

sandbox: setup
	@$(BIN)/python tools/bubblewrap.py

# A file stays with one process: a notebook has one kernel, and a figure's page is loaded once.
test: browser sandbox lint  ## run every check: style, types, notebooks, library, built pages, judge
	@OPENBLAS_NUM_THREADS=1 $(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist loadfile

linkcheck: setup  ## ask every external link whether it still answers (needs the internet)
	@$(BIN)/python tools/check_links.py

elsewhere: setup  ## run a chapter and an exercise as Binder and Colab do, in environments of their own
	@$(BIN)/python tools/elsewhere.py binder
	@$(BIN)/python tools/elsewhere.py colab

bench: browser sandbox  ## time pages, notebooks, library and judge; writes docs/benchmarks/
	@$(BIN)/python benchmarks/bench_pages.py
	@$(BIN)/python benchmarks/bench_browser.py
	@$(BIN)/python benchmarks/bench_library.py
	@$(BIN)/python benchmarks/bench_judge.py

compare: browser  ## compare with a default Jupyter Book of the same notebooks (needs Node)
	@$(BIN)/python benchmarks/bench_default.py

lighthouse: browser  ## let Lighthouse judge every page (needs Node and the internet; slow)
	@$(BIN)/python benchmarks/bench_lighthouse.py

lint: setup  ## check style and types only
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || (echo "Run 'make format' to fix the formatting." && false)
	@$(BIN)/mypy

format: setup  ## put code and notebooks into their one format; make exercises from their sources
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format --quiet
	@$(BIN)/python tools/exercises.py
	@$(BIN)/python tools/notebooks.py

pins: setup  ## resolve requirements.in into requirements.txt with uv; the same versions for Binder
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --universal --python-version 3.11 --upgrade --quiet --no-emit-index-url requirements.in -o requirements.txt
	@grep -v '^-e' requirements.txt | $(BIN)/uv pip compile --universal --python-version 3.11 --no-deps --quiet --no-annotate \
	  --no-emit-index-url --custom-compile-command 'make pins' --constraint /dev/stdin pyproject.toml binder/requirements.in -o binder/requirements.txt

clean:  ## remove the built book and all caches, but not .venv
	@rm -rf _build .pytest_cache .mypy_cache .ruff_cache
