"""Every key of the window in one table: the actions and the key help are both made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["Picture", "View", "Record", "Window"]


@dataclass(frozen=True, slots=True)
class Key:
    """What a key does."""

    name: str
    """Of the action."""
    keys: tuple[str, ...]
    """As Qt writes them; any of them does it."""
    text: str
    """For menus, tooltips and the key help."""
    group: Group
    """Where the key help puts it."""


KEYS = (
    Key("pause", ("Space",), "Stand still or go on; what has ended begins again", "Picture"),
    Key("weaker", ("[",), "Strength down", "Picture"),
    Key("stronger", ("]",), "Strength up", "Picture"),
    # A live picture cannot be stepped: while it stands still the source goes on.
    Key("next_view", (".",), "Next view (a live picture cannot be stepped)", "View"),
    Key("previous_view", (",",), "Previous view", "View"),
    Key("fit", ("0",), "Fit the picture into the window", "View"),
    Key("actual_size", ("1",), "Show single pixels", "View"),
    Key("overlay", ("I",), "Figures over the picture", "View"),
    Key("histogram", ("H",), "Histogram", "View"),
    Key("record", ("R",), "Record, or end the recording", "Record"),
    Key("snapshot", ("S",), "Save both pictures as they are shown", "Record"),
    Key("save_last", ("L",), "Save the last seconds", "Record"),
    Key("lend", ("C",), "Lend the enhanced picture to calls as a camera", "Record"),
    Key("source", ("O", "Ctrl+O"), "Choose a source", "Window"),
    Key("panel", ("P",), "Controls beside the picture", "Window"),
    Key("full_screen", ("F", "F11"), "Full screen", "Window"),
    Key("leave_full_screen", ("Esc",), "Leave full screen", "Window"),
    Key("on_top", ("T",), "Always on top", "Window"),
    Key("help", ("?", "F1"), "These keys", "Window"),
    Key("quit", ("Ctrl+Q",), "Close; a recording is finished first", "Window"),
)


def help_text() -> str:
    """All keys as a small table in Qt's rich text."""
    rows = []
    for group in dict.fromkeys(key.group for key in KEYS):
        rows.append(f"<tr><td colspan=2><br><b>{group}</b></td></tr>")
        rows += [
            f"<tr><td width=96><tt>{' or '.join(key.keys)}</tt></td><td>{key.text}</td></tr>"
            for key in KEYS
            if key.group == group
        ]
    return f"<table cellpadding=2>{''.join(rows)}</table>"
