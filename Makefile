# One command per chore. `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# Where it is set, every process compiles the gateway anew: seconds at each start, in what is measured too.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test screenshots pictures crash sweeps powercut diskfaults fuzz network check fmt docs bench longrun large ledger interop lock clean system
help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml
	@bash tools/install.sh $(VENV)
	@touch $@

demo: $(STAMP) ## the main job on real input (ARGS="--exit", ARGS="--exit --faults")
	@$(PY) -m gateway demo $(ARGS)

test: $(STAMP) ## all tests (ARGS="tests/unit -k name")
	@bash tools/test.sh $(ARGS)

screenshots: $(STAMP) ## pictures of the console's pages in build/screenshots (ARGS="overview ledger")
	@$(PY) -m tests.console.screenshots $(ARGS)

pictures: $(STAMP) ## a newcomer's walk through the demo's console; writes docs/pictures
	@$(PY) -m tests.console.pictures

sweeps: $(STAMP) ## short sweeps of kills, power cuts, disk faults and networks, some minutes
	@bash tools/test.sh tests/crash tests/network $$(cat tests/slow-kills)

powercut: $(STAMP) ## cut the power of recorded runs; writes docs/powercut.md (ARGS="--seeds 500")
	@bash tools/powercut.sh $(ARGS)

check: $(STAMP) ## ruff, mypy --strict, import contracts, size caps, registries
	@bash tools/check.sh

fmt: $(STAMP) ## format the code
	@$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix-only --quiet .

docs: $(STAMP) ## regenerate the generated pages (diagrams, reasons, settings)
	@$(PY) -m tools.docs

bench: $(STAMP) ## the figures of README, written to build/bench.json
	@$(PY) -m benchmarks.run $(ARGS)

crash: $(STAMP) ## kill the gateway a thousand times and compare; writes docs/crash.md (ARGS="--kills 100": build/crash.md)
	@$(PY) -m tests.crash.kill $(ARGS)

diskfaults: $(STAMP) ## let the disk fail at every call; writes docs/diskfaults.md (ARGS="--faults 40")
	@$(PY) -m tests.crash.diskfaults $(ARGS)

fuzz: $(STAMP) ## every parser of foreign bytes under a fuzzer, five minutes together (ARGS="--seconds 3600 pdf")
	@$(PY) -m tests.fuzz.run $(ARGS)

network: $(STAMP) ## partitions, loss, dead offices, floods in namespaces; writes docs/network.md (root)
	@$(PY) -m tests.network.run $(ARGS)

longrun: $(STAMP) ## a million documents: memory, handles and log stay; writes docs/longrun.md (ARGS="--documents 20000")
	@$(PY) -m benchmarks.longrun $(ARGS)

large: $(STAMP) ## a file of 1 GiB by every way; writes docs/large.md (ARGS="--megabytes 64")
	@$(PY) -m benchmarks.large $(ARGS)

interop: $(STAMP) ## ask other people's verifiers about our evidence; writes docs/interop.md (EU DSS through Maven)
	@bash tools/interop.sh $(ARGS)

ledger: $(STAMP) ## a ledger of 10 million deliveries beside one of 10,000; writes docs/ledger.md (ARGS="--deliveries 1000000")
	@$(PY) -m benchmarks.ledger_size $(ARGS)

lock: ## pin every dependency again
	@bash tools/lock.sh

clean: ## remove what was built
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache
