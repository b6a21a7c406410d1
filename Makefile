# `make help` lists what there is. Everything is installed into .venv, nothing outside this folder.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# The first interpreter that really runs and is one of 3.11-3.13 (a name on PATH may be a shim for none); PYTHON= chooses another.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
N ?= 3
# Five at once on two cores: most end-to-end tests wait for Telegram's slots. As they are named, a file on one worker:
# by the number of their tests, as xdist would have it, those that take longest would begin last.
PARALLEL := -n 5 --dist loadfile --no-loadscope-reorder

.PHONY: help messages install install-dev demo demo-terminal run lint format unit integration e2e test chromium qbittorrent pictures fonts flaky soak bench bench-weather bench-peers settings lock
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)$$/  make \1\t\2/' | expand -t 24

install: .venv/running.stamp ## .venv with all that running needs
install-dev: .venv/testing.stamp

.venv/python.stamp:
	@test -n '$(PYTHON)' || { echo 'calibot needs Python 3.11, 3.12 or 3.13; none was found. Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11' >&2; exit 2; }
	@rm -rf .venv
	@"$(PYTHON)" -m venv .venv || { rm -rf .venv; echo 'Python cannot make a virtual environment here. On Debian or Ubuntu: apt install python3-venv' >&2; exit 2; }
	@touch $@

.venv/running.stamp: requirements.lock .venv/python.stamp
	@echo 'Installing what calibot needs into .venv ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/testing.stamp: requirements-dev.lock .venv/running.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: install ## try calibot in a browser, with no account and no network
	@$(BIN)/python -m bot demo

demo-terminal: install ## watch a conversation with it in the terminal
	@$(BIN)/python -m bot demo-terminal

run: install ## run the bot with config.toml (made when missing)
	@test -e config.toml || { install -m 600 config.example.toml config.toml && echo 'Made config.toml from config.example.toml.'; }
	@$(BIN)/python -m bot run --config config.toml

lint: install-dev ## ruff, mypy strict, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install-dev ## let ruff format the code
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

unit: install-dev ## tests of pure logic, no socket
	$(BIN)/python -m pytest tests/unit -n 2

integration: install-dev qbittorrent ## tests of one real component each
	$(BIN)/python -m pytest tests/integration

e2e: install-dev chromium qbittorrent ## the process as a user starts it, against the sandbox
	$(BIN)/python -m pytest tests/e2e

test: lint chromium qbittorrent ## everything: lint, unit, integration, end to end
	$(BIN)/python -m pytest tests/e2e tests/integration tests $(PARALLEL)

# What looks at the demo's page. Where it is not and cannot be installed, those tests are left out (in CI they fail).
chromium:
	@command -v chromium >/dev/null && exit 0; \
	test "$$(id -u)" = 0 && command -v apt-get >/dev/null && { echo 'Installing Chromium, for the tests of the chat page ...'; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium; } >/dev/null; }; \
	command -v chromium >/dev/null || echo '!!! Chromium is not here: nobody looks at the chat page. On Debian: apt install chromium' >&2

# The same for what is asked for names.
qbittorrent:
	@command -v qbittorrent-nox >/dev/null && exit 0; \
	test "$$(id -u)" = 0 && command -v apt-get >/dev/null && { echo 'Installing qbittorrent-nox, for the tests of that source ...'; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends qbittorrent-nox; } >/dev/null; }; \
	command -v qbittorrent-nox >/dev/null || echo '!!! qbittorrent-nox is not here: nobody asks one for names. On Debian: apt install qbittorrent-nox' >&2

pictures: install-dev chromium fonts ## the pictures of docs/user.md, taken anew of the running demo, in about 8 minutes (ONLY=web: 2)
	@$(BIN)/python -m tests.pictures $(ONLY)

# Without them there would be boxes on the pictures.
fonts:
	@test -n "$$(fc-list :lang=zh 2>/dev/null)" -a -n "$$(fc-list :lang=und-zsye 2>/dev/null)" \
		|| { echo 'No font here has Chinese, or none has emoji. On Debian: apt install fontconfig fonts-noto-cjk fonts-noto-color-emoji' >&2; exit 2; }

flaky: install-dev ## the end-to-end tests N=3 times
	@for turn in $$(seq $(N)); do echo "turn $$turn of $(N)"; $(BIN)/python -m pytest tests/e2e -q $(PARALLEL) || exit 1; done

soak: install-dev ## two hundred kills, all of Telegram's weather, and a thousand listeners, as SEED= decides; about 11 minutes
	@seed=$(or $(SEED),$$(date +%s)); echo "SEED=$$seed"; \
		SOAK=1 SEED=$$seed $(BIN)/python -m pytest tests/e2e/test_kills.py tests/e2e/test_weather.py -q -n 4 \
		&& SOAK=1 SEED=$$seed $(BIN)/python -m pytest tests/e2e/test_web_listeners.py -q

bench: .venv-bench/bench.stamp bench-peers ## how fast it is beside others: docs/benchmarks.md, in about 10 minutes
	@.venv-bench/bin/python -m benchmarks $(ONLY:%=--only %)

bench-weather: .venv-bench/bench.stamp bench-peers ## names in a simulated bad network: docs/weather.md, in about 15 minutes (ONLY="warm dht": a minute; SEED=, NAMES=)
	@.venv-bench/bin/python -m benchmarks.weather $(if $(ONLY),--only $(ONLY)) $(SEED:%=--seed %) $(NAMES:%=--names %)

# Apart from .venv: what calibot is compared with has no say in what it is tested with.
.venv-bench/bench.stamp: requirements-bench.lock
	@test -n '$(PYTHON)' || { echo 'The benchmarks need Python 3.11, 3.12 or 3.13; none was found.' >&2; exit 2; }
	@rm -rf .venv-bench
	@"$(PYTHON)" -m venv .venv-bench
	@echo 'Installing what the benchmarks need into .venv-bench ...'
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

# Other programs that find names, where we may install them; those that are not here are named in the table.
bench-peers:
	@for peer in aria2c:aria2 qbittorrent-nox:qbittorrent-nox; do \
		command -v "$${peer%%:*}" >/dev/null && continue; \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { echo "$${peer%%:*} is not here: the table goes without it."; continue; }; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$${peer##*:}"; } >/dev/null \
			|| echo "$${peer##*:} could not be installed: the table goes without it."; \
	done

messages: ## bring the catalogues to the sentences of the code; tests refuse what is then empty or fuzzy (needs GNU gettext)
	@command -v xgettext >/dev/null || { echo 'GNU gettext is not here. On Debian or Ubuntu: apt install gettext' >&2; exit 2; }
	@xgettext --from-code=UTF-8 --language=Python --no-wrap --sort-by-file --add-location=file -o messages.pot handlers/*.py web/*.py services/i18n.py 2>/dev/null
	@sed -i /POT-Creation-Date/d messages.pot
	@for one in services/locale/*.po; do \
		msgmerge --update --backup=none --quiet --no-wrap "$$one" messages.pot \
			&& msgattrib --no-wrap --no-obsolete -o "$$one" "$$one" && msgfmt --check-format -o /dev/null "$$one" || exit 1; \
	done
	@rm messages.pot

settings: install ## bring config.example.toml and the operator's page to the settings of the code
	@$(BIN)/python -m bot.settings_page

lock: ## lock the dependencies of pyproject.toml anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra bench -c requirements.lock pyproject.toml -o requirements-bench.lock
