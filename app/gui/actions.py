"""The window's actions, one for each key, and its menu."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, get_args

from PyQt6.QtGui import QAction, QActionGroup, QKeySequence
from PyQt6.QtWidgets import QMenu

from app.gui.preferences import ThemeName
from app.gui.shortcuts import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PyQt6.QtWidgets import QWidget

WITH_ICON = (
    "source", "record", "snapshot", "save_last", "fit", "actual_size", "overlay", "histogram",
    "panel", "full_screen", "on_top", "help",
)  # fmt: skip
_SWITCHES = ("source", "lend", "overlay", "histogram", "panel", "on_top", "full_screen")


def make_actions(window: QWidget) -> dict[str, QAction]:
    """By name; their keys work wherever the window has the focus."""
    actions = {}
    for key in KEYS:
        action = QAction(key.text, window)
        action.setShortcuts([QKeySequence(keys) for keys in key.keys])
        action.setToolTip(f"{key.text} ({key.keys[0]})")
        action.setCheckable(key.name in _SWITCHES)
        window.addAction(action)
        actions[key.name] = action
    actions["source"].setIconText("Source")
    return actions


def make_menu(
    window: QWidget,
    actions: Mapping[str, QAction],
    theme: ThemeName,
    choose_theme: Callable[[ThemeName], None],
    save_bundle: Callable[[], None],
) -> QMenu:
    """What is wanted seldom."""
    menu, group = QMenu(window), QActionGroup(window)
    themes = QMenu("Theme", menu)
    names: tuple[ThemeName, ...] = get_args(ThemeName)
    for name in names:
        action = QAction(name.capitalize(), window)
        action.setCheckable(True)
        action.setChecked(name == theme)
        action.triggered.connect(partial(choose_theme, name))
        group.addAction(action)
        themes.addAction(action)
    bundle = QAction("Save a support bundle…", window)
    bundle.triggered.connect(lambda: save_bundle())
    menu.addActions([actions["lend"], actions["on_top"]])
    menu.addMenu(themes)
    menu.addSeparator()
    menu.addActions([bundle, actions["help"]])
    menu.addSeparator()
    menu.addAction(actions["quit"])
    return menu
