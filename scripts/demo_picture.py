"""Sets before beside after: ``python -m scripts.demo_picture DARK BRIGHT PICTURE``."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import typer
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
GAP_PX = 4


def frame_at(path: Path, share: float) -> Picture:
    """uint8 RGB (H, W, 3) of the frame this far into the clip."""
    with av.open(str(path)) as clip:
        number = round(sum(1 for _ in clip.decode(video=0)) * share)
    with av.open(str(path)) as clip:
        for index, frame in enumerate(clip.decode(video=0)):
            if index >= number:
                return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    raise typer.BadParameter(f"{path} holds no frame number {number}")


def beside(left: Picture, right: Picture) -> Picture:
    """Both pictures with a white line between them."""
    line = np.full((left.shape[0], GAP_PX, 3), 255, np.uint8)
    return np.concatenate([left, line, right], axis=1)


def main(dark: Path, bright: Path, picture: Path) -> None:
    """Writes a frame from just before the middle of both clips, side by side."""
    pair = beside(frame_at(dark, 0.4), frame_at(bright, 0.4))
    cv2.imwrite(str(picture), np.ascontiguousarray(pair[..., ::-1]))
    print(f"Bright clip: {bright}")
    print(f"Before and after: {picture}")


if __name__ == "__main__":
    typer.run(main)
