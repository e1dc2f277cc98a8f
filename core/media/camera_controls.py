"""Keeping a camera's frame rate in the dark, where its driver can.

In the dark most cameras expose each picture for longer than a frame may last, and the rate halves.
One control of V4L2 forbids that and leaves the automatic exposure at work; where a driver lacks it,
the exposure is locked at the length of a frame. The picture is darker then: the network brightens
it. Any process may set controls while another streams.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from core.errors import SettingsError
from core.media.camera_list import library, open_device

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MANUAL = 1
"""Of the control for automatic exposure."""
_UNITS_PER_SECOND = 10_000
"""Exposure is set in tenths of a millisecond."""
_FAILURES = (OSError, ValueError, AttributeError)
"""What linuxpy raises for a camera that is gone, or will not."""


def can_keep_rate(path: str, open_device: Callable[[str], Any] = open_device) -> bool:
    """Whether `keep_rate` works on the camera at a path."""
    with suppress(*_FAILURES), open_device(path) as device:
        controls, kinds = _controls(device), library().ControlID
        return kinds.EXPOSURE_AUTO_PRIORITY in controls or (
            kinds.EXPOSURE_AUTO in controls and kinds.EXPOSURE_ABSOLUTE in controls
        )
    return False


def keep_rate(path: str, on: bool, open_device: Callable[[str], Any] = open_device) -> None:
    """Hold the frame rate of the camera at a path however dark it is, or let it fall again.

    Raises:
        SettingsError: the camera cannot.
    """
    if not can_keep_rate(path, open_device):
        raise SettingsError(
            f"The camera at {path} has no control that holds its frame rate in the dark; "
            "leave keep_rate out"
        )
    try:
        with open_device(path) as device:
            _set(device, on=on)
    except _FAILURES as error:
        raise SettingsError(
            f"The camera at {path} did not let its exposure be set; plug it in again, or leave "
            "keep_rate out"
        ) from error


def exposure(path: str, open_device: Callable[[str], Any] = open_device) -> Mapping[int, int]:
    """How exposure is set now, by control; empty where that cannot be known."""
    with suppress(*_FAILURES), open_device(path) as device:
        return {number: int(control.value) for number, control in _controls(device).items()}
    return {}


def restore_exposure(
    path: str, before: Mapping[int, int], open_device: Callable[[str], Any] = open_device
) -> None:
    """Set exposure as `exposure` found it; a camera that is gone is let go."""
    with suppress(*_FAILURES), open_device(path) as device:
        controls = _controls(device)
        # Its length can be set while it is manual alone, and the choice of that is number one. A
        # length that the camera chooses by itself is refused, and need not be set.
        for number in sorted(controls.keys() & before.keys(), reverse=True):
            with suppress(*_FAILURES):
                if int(controls[number].value) != before[number]:
                    controls[number].value = before[number]


def _set(device: Any, *, on: bool) -> None:
    controls, kinds = _controls(device), library().ControlID
    if kinds.EXPOSURE_AUTO_PRIORITY in controls:
        controls[kinds.EXPOSURE_AUTO_PRIORITY].value = int(not on)
        return
    automatic = controls[kinds.EXPOSURE_AUTO]
    automatic.value = _MANUAL if on else automatic.default
    if on:
        rate = device.get_fps(library().BufferType.VIDEO_CAPTURE)
        controls[kinds.EXPOSURE_ABSOLUTE].value = int(_UNITS_PER_SECOND / rate)


def _controls(device: Any) -> dict[int, Any]:
    kinds = library().ControlID
    ours = {kinds.EXPOSURE_AUTO, kinds.EXPOSURE_ABSOLUTE, kinds.EXPOSURE_AUTO_PRIORITY}
    return {
        control.id: control
        for control in device.controls.values()
        if control.id in ours and control.is_writeable
    }
