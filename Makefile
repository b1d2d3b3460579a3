.PHONY: help run test checks format lock

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

run: ## start everything on http://127.0.0.1:8000
	python3 manage.py run

test: ## the whole suite; ARGS="tests/x.py -k y" for a part
	python3 manage.py test $(ARGS)

checks: ## style, types, imports, templates
	python3 manage.py test tests/architecture -q

format: ## bring code and templates into form
	.venv/bin/ruff check --fix-only --quiet
	.venv/bin/ruff format
	find templates -name '*.html' | xargs .venv/bin/djade --target-version 5.2

lock: ## pin the dependencies again after a change of requirements*.in
	.uv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 requirements.in -o requirements.txt
	.uv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 requirements-dev.in -o requirements-dev.txt
	.uv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 requirements-bootstrap.in -o requirements-bootstrap.txt
	.uv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 requirements-engines.in -o requirements-engines.txt
