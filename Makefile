# The front door: no logic here. `make help` lists what there is.
SHELL := tools/recipe
.SHELLFLAGS := -c
# A shell would read it before it does anything else.
unexport BASH_ENV
.DEFAULT_GOAL := help
BIN := .venv/bin
READY := .venv/.ready
# As many tests at a time as there are processors: to each worker an even share, in order, so that
# what some tests share is made once where they stay together; who is done first takes over from others.
SIDE_BY_SIDE := --numprocesses=logical --maxprocesses=4 --dist=worksteal
# A service or a container may have none, and Go wants one.
export HOME ?= $(shell getent passwd "$$(id -u)" | cut -d: -f6)

.PHONY: help scripts site build offline serve test test-unit test-lab test-hosts test-site lint lock up down clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

site: $(READY) ## Bring the lab up, execute the notebooks on it, build the site
	tools/ensure-packages apache2-utils
	tools/as-root $(BIN)/istiolab up
	@# Where a notebook fails, its page keeps the last verified outputs and says so: it is built, too.
	@code=0; tools/as-root $(BIN)/istiolab verify || code=$$?; \
	  $(MAKE) --no-print-directory build; exit $$code

build: $(READY) scripts ## Build the site from the notebooks as they are (needs no cluster)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "the site is in $(CURDIR)/site; serve it with \`make serve\`"

offline: $(READY) scripts ## Build a copy of the site to be read from the disk, and a zip of it
	@rm -rf build/offline && mkdir -p build/offline
	ISTIOLAB_OFFLINE=true NO_MKDOCS_2_WARNING=1 \
	  $(BIN)/mkdocs build --strict --quiet --site-dir build/offline/istiolab/en
	@cd build/offline && "$(CURDIR)/$(BIN)/python" -m zipfile -c .part istiolab && mv .part istiolab.zip
	@echo "open $(CURDIR)/build/offline/istiolab/index.html, or pass on build/offline/istiolab.zip"

serve: build ## Build the site and serve it (needs no cluster)
	@echo "http://127.0.0.1:8000/ (Ctrl-C ends it)"
	@$(BIN)/python -m http.server --directory site --bind 127.0.0.1 8000 2>/dev/null

test: ## Pass every test (lint, unit, live lab, browser), and say how long each took
	@took=(); trap 'printf "%s\n" "$${took[@]}"' EXIT; for phase in lint test-unit test-lab test-site; do \
	  SECONDS=0; code=0; $(MAKE) --no-print-directory $$phase || code=$$?; \
	  took+=("$$(printf "%-9s %5d s" $$phase $$SECONDS)"); [ $$code = 0 ] || exit $$code; done

test-unit: $(READY) ## The fast tests
	$(BIN)/pytest tests/unit $(SIDE_BY_SIDE)

test-lab: $(READY) ## The tests on the live lab
	tools/ensure-packages apache2-utils
	tools/as-root $(BIN)/istiolab up
	tools/as-root $(BIN)/pytest tests/lab --durations=15

test-hosts: $(READY) ## The README's commands on other kinds of hosts, in virtual machines (hours)
	tools/ensure-packages qemu-system-x86 mmdebstrap e2fsprogs openssh-client
	tools/as-root $(BIN)/istiolab up
	tools/as-root $(BIN)/pytest tests/hosts -v

test-site: $(READY) scripts ## The tests in a real browser
	tools/ensure-packages chromium fonts-noto-cjk
	$(BIN)/pytest tests/site $(SIDE_BY_SIDE) --durations=15

scripts: $(READY) ## Fetch the scripts of others that the pages serve (once)
	@$(BIN)/python -m istiolab.page.vendor

lint: $(READY) ## Format, lint, types, layers, docstrings, parity of the two languages
	tools/lint

lock: ## Write requirements.txt anew from the ranges in pyproject.toml
	tools/lock

up: $(READY) ## Bring the lab up
	tools/as-root $(BIN)/istiolab up

down: $(READY) ## Take the lab down
	tools/as-root $(BIN)/istiolab down

clean: ## Delete what was built in this checkout (not the cache of the lab)
	rm -rf .venv site build reports

$(READY): requirements.txt pyproject.toml tools/setup
	tools/setup
