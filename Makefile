# Everything that is done to this project, by name. `make` alone lists it.

VENV := .venv
STAMP := $(VENV)/.installed
PROCESSES ?= 2
COMPOSE = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench up down

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv and install the locked packages, if missing or out of date

run: $(STAMP) ## serve the hall on http://127.0.0.1:8000 (PORT changes it)
	@exec $(VENV)/bin/yichuang run

test: $(STAMP) ## set up what is missing, RabbitMQ and PostgreSQL included, and run every test (or TESTS)
	@$(VENV)/bin/python -m operations.setup.backing_services
	@$(VENV)/bin/python -m pytest --numprocesses $(PROCESSES) --dist loadfile $(TESTS)

check: $(STAMP) ## ruff, mypy, import-linter
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy kernel services gateway operations
	$(VENV)/bin/lint-imports

bench: $(STAMP) ## run the benchmarks, one JSON line per figure
	@$(VENV)/bin/python -m operations.setup.backing_services
	@$(VENV)/bin/python -m benchmarks

up: ## start it all in containers (settings from .env)
	$(COMPOSE) up --build --detach

down: ## stop the containers; data stays in the volumes
	$(COMPOSE) down

$(STAMP): requirements.lock pyproject.toml
	@sh operations/setup/virtualenv.sh $(VENV)
	@touch $@
