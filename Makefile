# One verb a target, the same for a person and in CI. A line of help is the `##` comment after the target.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
# `make UV= build` uses pip although uv is there.
UV := $(shell command -v uv 2>/dev/null)
VENV := .venv
REPORTS := .reports
INSTALLED := $(VENV)/.installed-dev

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(INSTALLED) ## Watch simulated servers in this terminal: no GPU, no Docker; INCIDENT=kv-exhaustion makes something go wrong
	@tools="$$(stack/prometheus.sh | awk -F '\t' '$$3 != "-" && $$4 != "-"' | tail -1)"; \
	[ -n "$$tools" ] || { echo 'no Prometheus with an Alertmanager beside it was found or could be installed' >&2; exit 1; }; \
	IFS=$$'\t' read -r _ _ prometheus alertmanager <<< "$$tools"; \
	exec $(VENV)/bin/llmstack demo --prometheus "$$prometheus" --alertmanager "$$alertmanager" \
	    $(if $(INCIDENT),--incident '$(INCIDENT)')

.PHONY: build
build: $(INSTALLED) ## Write generated/ and let every promtool found check it
	$(VENV)/bin/llmdash build
	@tools="$$(stack/prometheus.sh)"; \
	while IFS=$$'\t' read -r version promtool _; do \
	    if ! said="$$("$$promtool" check rules --lint-fatal generated/rules/*.yaml 2>&1 && \
	                  "$$promtool" check config generated/prometheus/prometheus.yaml 2>&1)"; then \
	        printf '%s\n' "$$said" >&2; \
	        printf 'promtool %s (%s) refuses generated/\n' "$$version" "$$promtool" >&2; \
	        exit 1; \
	    fi; \
	    printf 'promtool %s accepts the rules and the scrape configuration\n' "$$version"; \
	done <<< "$$tools"

.PHONY: check
check: $(INSTALLED) ## Lint, check types, and see that generated/ is what the code builds
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy --strict
	$(VENV)/bin/llmdash build --check

.PHONY: test
test: check ## Run the checks and all tests that need no real server
	stack/prometheus.sh
	@mkdir -p $(REPORTS)
	@# Each core takes tests from whoever has most left: the rule tests alone are minutes long.
	$(VENV)/bin/pytest --numprocesses=logical --dist=worksteal --junitxml=$(REPORTS)/test.xml

# Named only when given: an empty one would hide what the environment says.
LIVE_URLS = $(if $(VLLM_URL),LLMDASH_VLLM_URL='$(VLLM_URL)') $(if $(TRITON_URL),LLMDASH_TRITON_URL='$(TRITON_URL)') $(if $(TRITON_HTTP_URL),LLMDASH_TRITON_HTTP_URL='$(TRITON_HTTP_URL)')

.PHONY: live
live: $(INSTALLED) ## Run the tests on real servers, your own with VLLM_URL=… TRITON_URL=…
	stack/prometheus.sh
	@mkdir -p $(REPORTS)
	$(LIVE_URLS) $(VENV)/bin/pytest --junitxml=$(REPORTS)/live.xml tests/live

.PHONY: docker
docker: $(INSTALLED) ## Run the tests in containers: a Prometheus, and a Grafana of each release that can be had
	stack/prometheus.sh
	@mkdir -p $(REPORTS)
	$(VENV)/bin/pytest --junitxml=$(REPORTS)/docker.xml tests/docker

# What make compile-triton-trt leaves: without it there is nothing for TensorRT-LLM to serve.
COMPILED := stack/engines/triton-trtllm/model_repository/tensorrt_llm/1/config.json

.PHONY: live-gpu
live-gpu: $(INSTALLED) ## Run the stack's tests on real engines, on your GPUs: MODEL_NAME= LLMDASH_STACK_PROFILES=vllm,dcgm
	@$(NEEDS_DOCKER)
	@$(NEEDS_GPU_IN_DOCKER)
	@mkdir -p $(REPORTS)
	@profiles=vllm,triton-vllm,dcgm; [ ! -f $(COMPILED) ] || profiles=$$profiles,triton-trtllm; \
	export LLMDASH_REQUIRE=docker LLMDASH_STACK_PROFILES="$${LLMDASH_STACK_PROFILES:-$$profiles}"; \
	echo "live-gpu: $$LLMDASH_STACK_PROFILES"; \
	exec $(VENV)/bin/pytest --junitxml=$(REPORTS)/live-gpu.xml tests/docker/test_compose_up.py

.PHONY: mistakes
mistakes: $(INSTALLED) ## Make each recording wrong, and see that a rule test notices
	stack/prometheus.sh
	@mkdir -p $(REPORTS)
	$(VENV)/bin/pytest --junitxml=$(REPORTS)/mistakes.xml tests/mistakes

.PHONY: faults
faults: $(INSTALLED) ## Break a push off at each of its requests in turn, in every way
	@mkdir -p $(REPORTS)
	$(VENV)/bin/pytest --junitxml=$(REPORTS)/faults.xml tests/faults

.PHONY: incidents
incidents: $(INSTALLED) ## Play every incident of the demo at once, and see that its alerts fire and no others
	stack/prometheus.sh
	@mkdir -p $(REPORTS)
	$(VENV)/bin/pytest --junitxml=$(REPORTS)/incidents.xml tests/incidents

.PHONY: test-grafana
test-grafana: $(INSTALLED) ## Run the contract of a push on your own Grafana: GRAFANA_URL=… GRAFANA_TOKEN=…
	@[ -n "$(GRAFANA_URL)" ] || { echo 'name a Grafana: make test-grafana GRAFANA_URL=http://localhost:3000' >&2; exit 1; }
	LLMDASH_GRAFANA_URL='$(GRAFANA_URL)' $(VENV)/bin/pytest tests/grafana/test_contract.py

.PHONY: bench
bench: $(INSTALLED) ## Measure the command, a push, the gateway, the simulator, a trace and load, and write what came out to tests/bench/results.md
	$(VENV)/bin/python -m tests.bench.run command
	$(VENV)/bin/python -m tests.bench.run push
	$(VENV)/bin/python -m tests.bench.run gateway
	$(VENV)/bin/python -m tests.bench.run simulator
	$(VENV)/bin/python -m tests.bench.run normalising
	$(VENV)/bin/python -m tests.bench.run load

.PHONY: bench-simulator
bench-simulator: $(INSTALLED) ## Measure how far the simulator's tokens are from its model's, with 1,000 streams, into the same file
	$(VENV)/bin/python -m tests.bench.run simulator

.PHONY: bench-gateway
bench-gateway: $(INSTALLED) ## Measure the gateway alone, beside LiteLLM and a bare pass-through, into the same file
	$(VENV)/bin/python -m tests.bench.run gateway

.PHONY: bench-load
bench-load: $(INSTALLED) ## Measure what load reads of an engine with known delays, and what it costs, into the same file
	$(VENV)/bin/python -m tests.bench.run load

.PHONY: bench-demo
bench-demo: $(INSTALLED) ## Measure how long `make demo` takes to its first table, here and in a fresh clone, into the same file
	$(VENV)/bin/python -m tests.bench.run demo

.PHONY: bench-cost
bench-cost: $(INSTALLED) ## Measure what pages cost at scale, on a real Prometheus, into the same file
	stack/prometheus.sh
	$(VENV)/bin/python -m tests.bench.run cost

.PHONY: bench-slo
bench-slo: $(INSTALLED) ## Compare our SLO rules with sloth's and pyrra's: pages, months, and what they cost
	stack/prometheus.sh
	$(VENV)/bin/python -m tests.bench.run slo

.PHONY: mutate
mutate: $(INSTALLED) ## Change the built rules one thing at a time, and see that a rule test notices
	stack/prometheus.sh
	$(VENV)/bin/python -m tests.mutate.run $(if $(SAMPLE),--sample $(SAMPLE))

.PHONY: film
film: $(INSTALLED) ## Play a dozen incidents to all rules, and write which alerts fire and when
	stack/prometheus.sh
	$(VENV)/bin/python -m tests.film.run

.PHONY: pictures
pictures: $(INSTALLED) ## Draw the pictures of pages that README.md shows, over a made evening
	stack/prometheus.sh
	$(VENV)/bin/python -m tests.pictures.draw

# The stack: settings are those of stack/.env, and of the command line (make up PROFILE=vllm MODEL_NAME=…).

# In the folder of compose.yaml, whose .env it reads; every profile, so that all is stopped and shown.
COMPOSE := cd stack && docker compose --profile '*'

NEEDS_DOCKER = command -v docker > /dev/null || { echo '$@: docker is not installed' >&2; exit 1; }; \
	docker compose version > /dev/null 2>&1 || { echo '$@: docker compose does not answer: install the plugin docker-compose-plugin' >&2; exit 1; }; \
	docker info > /dev/null 2>&1 || { echo '$@: no Docker engine answers: start it, or see that you may use it' >&2; exit 1; }
NEEDS_GPU_IN_DOCKER = docker info --format '{{json .}}' | grep -E '"nvidia":|"nvidia\.com/gpu=' > /dev/null || { echo '$@: Docker sees no NVIDIA GPU: docker info lists neither a runtime nvidia nor a device nvidia.com/gpu; NVIDIA'"'"'s Container Toolkit adds them (nvidia-ctk runtime configure --runtime=docker)' >&2; exit 1; }
NEEDS_GPU = nvidia-smi > /dev/null 2>&1 || { echo '$@: nvidia-smi finds no GPU here; the profile sim needs none: make up PROFILE=sim' >&2; exit 1; }
# Keys of .env to the environment of what runs on the host; what is there already wins.
WITH_ENV = $(VENV)/bin/python stack/with_env.py

.PHONY: up
up: $(INSTALLED) ## Start the stack: PROFILE=vllm, triton-vllm, triton-trtllm, sim, gateway or monitoring
	@[ -n "$(PROFILE)" ] || { echo 'name a profile: make up PROFILE=vllm, triton-vllm, triton-trtllm, sim, gateway or monitoring' >&2; exit 1; }
	@stack/up $(PROFILE)

.PHONY: up-vllm
up-vllm: $(INSTALLED) ## Start vLLM, the gateway and what watches them
	@stack/up vllm

.PHONY: up-triton
up-triton: $(INSTALLED) ## Start Triton with its vLLM backend, and what watches it
	@stack/up triton-vllm

.PHONY: up-triton-trt
up-triton-trt: $(INSTALLED) ## Start Triton with TensorRT-LLM, and what watches it
	@stack/up triton-trtllm

.PHONY: monitoring
monitoring: $(INSTALLED) ## Start Prometheus, Alertmanager and Grafana alone
	@stack/up monitoring

.PHONY: compile-triton-trt
compile-triton-trt: ## Compile TensorRT-LLM's engine: MODEL_NAME= MAX_BATCH_SIZE= MAX_INPUT_LEN= MAX_OUTPUT_LEN=
	@$(NEEDS_DOCKER)
	@$(NEEDS_GPU)
	$(COMPOSE) run --rm compile-triton-trtllm

.PHONY: down
down: ## Remove the stack's containers and network (its data stays)
	@$(NEEDS_DOCKER)
	$(COMPOSE) down --remove-orphans

.PHONY: stop
stop: ## Stop the stack's containers; make up goes on with them
	@$(NEEDS_DOCKER)
	$(COMPOSE) stop

.PHONY: logs
logs: ## Follow what the stack's programs say: SERVICE=gateway for one of them
	@$(NEEDS_DOCKER)
	$(COMPOSE) logs --follow --tail 100 $(SERVICE)

.PHONY: status
status: $(INSTALLED) ## Show processes, health, GPUs, targets and alerts that fire
	@$(NEEDS_DOCKER)
	@$(VENV)/bin/python stack/status.py

.PHONY: test-vllm
test-vllm: $(INSTALLED) ## Send one request to vLLM, and print the answer
	@$(WITH_ENV) sh -c '$(VENV)/bin/python stack/ask.py vllm "http://127.0.0.1:$${VLLM_PORT:-8000}"'

.PHONY: test-triton
test-triton: $(INSTALLED) ## Send one request to Triton with its vLLM backend, and print the answer
	@$(WITH_ENV) sh -c '$(VENV)/bin/python stack/ask.py triton-vllm "http://127.0.0.1:$${TRITON_HTTP_PORT:-8100}"'

.PHONY: test-triton-trt
test-triton-trt: $(INSTALLED) ## Send one request to Triton with TensorRT-LLM, as token ids, and print the answer
	@# Tokenised by who asks: in Triton's image, which has the tokenizer; a played engine has no such image.
	@if [ -n "$$($(COMPOSE) ps --quiet triton-trtllm 2> /dev/null)" ]; then \
	    $(COMPOSE) exec -T triton-trtllm python3 - triton-trtllm http://127.0.0.1:8000 < stack/ask.py; \
	else \
	    $(WITH_ENV) sh -c '$(VENV)/bin/python stack/ask.py triton-trtllm "http://127.0.0.1:$${TRITON_TRTLLM_HTTP_PORT:-8200}"'; \
	fi

.PHONY: setup
setup: $(INSTALLED) ## Install what the stack's programs need, and make stack/.env
	@[ -f stack/.env ] || { cp stack/.env.example stack/.env; echo 'stack/.env is made; set MODEL_NAME and what else differs from it'; }

# Apart from what the tests pin.
HUB := .tools/hub

.PHONY: download
download: $(INSTALLED) ## Fetch the weights of MODEL_NAME into MODEL_CACHE_DIR
	@$(WITH_ENV) sh -c ': "$${MODEL_NAME:?set it to a model of Hugging Face}"'
	@[ -x $(HUB)/bin/hf ] || { $(if $(UV),$(UV) venv --quiet $(HUB) && $(UV) pip install --quiet --python $(HUB)/bin/python,$(PYTHON) -m venv $(HUB) && $(HUB)/bin/pip install --quiet) huggingface_hub; }
	@$(WITH_ENV) sh -c 'HF_HOME="$${MODEL_CACHE_DIR:-$$HOME/.cache/huggingface}" exec $(HUB)/bin/hf download "$$MODEL_NAME"'

.PHONY: vllm
vllm: $(INSTALLED) ## Run vLLM on this host, without Docker, with the settings of stack/.env
	@command -v vllm > /dev/null || { echo 'vllm: vLLM is not installed here; make up PROFILE=vllm runs it in a container' >&2; exit 1; }
	@$(NEEDS_GPU)
	@$(WITH_ENV) sh -c 'LISTEN_HOST=127.0.0.1 LISTEN_PORT="$${VLLM_PORT:-8000}" HF_HOME="$${MODEL_CACHE_DIR:-$$HOME/.cache/huggingface}" GPUS="$$VLLM_GPUS" exec stack/engines/vllm.sh'

.PHONY: gateway
gateway: $(INSTALLED) ## Run the gateway on this host, without Docker, with the settings of stack/.env
	@$(WITH_ENV) $(VENV)/bin/llmstack gateway

.PHONY: gpu-exporter
gpu-exporter: $(INSTALLED) ## Run the GPU exporter on this host, without Docker
	@$(NEEDS_GPU)
	@$(WITH_ENV) $(VENV)/bin/llmstack gpu-exporter

# Prompts of five kinds from CONCURRENCY clients for DURATION seconds, and a report by kind.
LOAD = $(VENV)/bin/llmstack load --mix short_qa=.30,medium_explain=.25,code_gen=.20,reasoning=.15,long_form=.10 \
	--concurrency $(or $(CONCURRENCY),8) --duration $(or $(DURATION),60) --log-every 5

.PHONY: load-test
load-test: $(INSTALLED) ## Send load to vLLM: CONCURRENCY=8 DURATION=60 (seconds)
	@$(WITH_ENV) sh -c 'OPENAI_API_KEY="$$VLLM_API_KEY" exec $(LOAD) --url "http://127.0.0.1:$${VLLM_PORT:-8000}"'

.PHONY: load-test-triton
load-test-triton: $(INSTALLED) ## Send load to Triton with its vLLM backend: CONCURRENCY=8 DURATION=60
	@$(WITH_ENV) sh -c 'exec $(LOAD) --api triton-generate --url "http://127.0.0.1:$${TRITON_HTTP_PORT:-8100}"'

.PHONY: load-test-triton-trt
load-test-triton-trt: $(INSTALLED) ## Send load to Triton with TensorRT-LLM, as token ids: CONCURRENCY=8 DURATION=60
	@$(WITH_ENV) sh -c 'exec $(LOAD) --api triton-tokens --model tensorrt_llm --url "http://127.0.0.1:$${TRITON_TRTLLM_HTTP_PORT:-8200}"'

.PHONY: loadtest
loadtest: $(INSTALLED) ## Send load to the gateway, with the first of its keys: CONCURRENCY=8 DURATION=60
	@$(WITH_ENV) sh -c 'OPENAI_API_KEY="$${GATEWAY_API_KEYS%%,*}" exec $(LOAD) --url "http://127.0.0.1:$${GATEWAY_PORT:-8080}"'

.PHONY: clean
clean: ## Remove what tools and tests leave behind (.venv and .tools stay)
	rm -rf $(REPORTS) .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -path ./$(VENV) -prune -o -path ./.tools -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo 'llmdash needs Python 3.11 or newer; name one with make PYTHON=/path/to/python3' >&2; exit 1; }
ifneq ($(UV),)
	@[ -x $(VENV)/bin/python ] || $(UV) venv --quiet --python "$$(command -v $(PYTHON))" $(VENV)
	$(UV) pip install --quiet --python $(VENV)/bin/python --constraint constraints.txt --editable '.[dev]' \
	    || { echo 'uv could not install; it does not read what pip is set up with, and make UV= uses pip' >&2; exit 1; }
else
	@# Debian ships Python without the means to make a pip inside a venv; half a venv is worse than none.
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || { \
	    rm -rf $(VENV); \
	    $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	        rm -rf $(VENV); \
	        [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	            && { apt-get install -y -qq python3-venv >&2 \
	                || { apt-get update -qq && apt-get install -y -qq python3-venv >&2; }; } \
	            && $(PYTHON) -m venv $(VENV); \
	    } || { rm -rf $(VENV); \
	        echo 'cannot make $(VENV): install python3-venv (or uv) and run make again' >&2; exit 1; }; \
	}
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
endif
	@touch $@
