"""Options of the command line, worded by the settings' own fields."""

from __future__ import annotations

from typing import Any

import typer


def worded(settings: type[Any], field: str) -> Any:
    """An option worded, and bounded in its help, by the settings' own field."""
    info = settings.model_fields[field]
    bounds = [
        getattr(bound, name)
        for bound in info.metadata
        for name in ("ge", "le")
        if hasattr(bound, name)
    ]
    span = f" ({bounds[0]:g} to {bounds[1]:g})" if len(bounds) == 2 else ""
    return typer.Option(help=f"{info.description}{span}.")


def described(settings: type[Any], field: str) -> str:
    """A switch worded by the settings' own field."""
    return f"{settings.model_fields[field].description}."
