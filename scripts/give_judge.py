"""Gives a model its judge: ``python -m scripts.give_judge MODEL JUDGE OUT``.

The judge guesses the exposure beside the model (`core/enhance/exposure.py`); both have learnt by
themselves, and stand in one file from here on.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import typer

from core.errors import CoreError
from core.model import checkpoint
from core.model.deepspg import DeepSPG


def main(model: str, judge: str, out: Path) -> None:
    """Writes the model with its judge; one that it had is replaced."""
    try:
        whole, second = (
            checkpoint.load(checkpoint.find(name), "deepspg") for name in (model, judge)
        )
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    network, network_judge = cast(DeepSPG, whole.network), cast(DeepSPG, second.network)
    network.judge = network_judge
    config = network.config.model_copy(update={"judge": network_judge.config})
    said = {
        name: text for name, text in whole.header.items() if name not in ("architecture", "config")
    }
    checkpoint.save(out, "deepspg", config, network.state_dict(), **said)


if __name__ == "__main__":
    typer.run(main)
