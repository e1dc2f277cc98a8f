# make demo   see it work: a dark clip made bright, and a picture of before and after
# make test   every check: style, types, tests
#
# Both set up what they need in .venv, once, and again when pyproject.toml has changed.

READY := .venv/.ready
PYTHON := .venv/bin/python
DARK := out/demo_dark.mp4
BRIGHT := out/demo_bright.mp4

.PHONY: demo test

demo: $(READY)
	@$(PYTHON) -m scripts.make_demo_clip $(DARK)
	@.venv/bin/lowlux enhance $(DARK) -o $(BRIGHT) --overwrite
	@$(PYTHON) -m scripts.demo_picture $(DARK) $(BRIGHT) out/demo_before_after.png

test: $(READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(PYTHON) -m scripts.results_table --check README.md
	.venv/bin/pytest

$(READY): pyproject.toml scripts/setup.sh
	@scripts/setup.sh
	@touch $@
