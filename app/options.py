"""Options of the command line: worded by the settings' own fields, and shared by the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.settings import EnhanceSettings, Model

if TYPE_CHECKING:
    from collections.abc import Mapping


def worded(settings: type[Model], field: str) -> Any:
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


def described(settings: type[Model], field: str) -> str:
    """A switch worded by the settings' own field."""
    return f"{settings.model_fields[field].description}."


def chosen(settings: type[Model], given: Mapping[str, Any]) -> dict[str, Any]:
    """Of a command's options, its `locals()`, those that are the settings' fields: all of them."""
    return {field: given[field] for field in settings.model_fields}


ModelName = Annotated[str, worded(EnhanceSettings, "model")]
DeviceName = Annotated[str, worded(EnhanceSettings, "device")]
Strength = Annotated[float, worded(EnhanceSettings, "strength")]
ProtectHighlights = Annotated[float, worded(EnhanceSettings, "protect_highlights")]
Steady = Annotated[float, worded(EnhanceSettings, "steady")]
PriorEvery = Annotated[int, worded(EnhanceSettings, "prior_every")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")]
