"""SKF's losses: colours and naturalness judged segment by segment (Wu et al., CVPR 2023).

B batch, C channels, H W pixels, S segments, N bins, P pixels of the batch, h w of a map of scores.

From the paper and its released code: 256 bins; a pixel belongs to a bin by the difference of two
sigmoids of slope 400 at the bin's edges; segments are classes of a class map; histograms are
compared by their absolute difference, a segment counting as much as it has pixels; scores are
compared by squares (LSGAN); a segment is judged as the picture with all else blackened. From the
paper alone: the global discriminator sees the class map, and of the segments the likeliest fake
teaches both sides. The released code has one discriminator, which sees colours only, is taught the
two largest segments, and teaches the enhancer by whole pictures.

Ours: histograms sum to 1, and their differences are averaged over channels; segments of a few
pixels are left out, and the worst is one of the largest few; class numbers are embedded; the local
discriminator is told which pixels are the segment, and only its scores there count; the reference's
same segment is its real example; both discriminators are small, fully convolutional, and count
alike.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Iterator

BINS, SLOPE = 256, 400.0
LEVELS = 2048
"""Brightnesses at which the bins' kernels are tabulated; between them they are interpolated."""
SMALLEST = 128
"""A segment of fewer pixels says nothing."""
CANDIDATES = 4
"""Of so many largest segments of a picture the worst is looked for."""
EMBEDDED = 4
"""Channels of an embedded class."""
REAL, FAKE = 1.0, 0.0


def histogram_loss(image_B3HW: Tensor, target_B3HW: Tensor, classes_BHW: Tensor) -> Tensor:
    """Mean difference of the colours of equal segments, in [0, 2].

    Args:
        image_B3HW: in [0, 1]; what is beyond counts as the end it is beyond.
        target_B3HW: in [0, 1]; no gradient.
        classes_BHW: int, the target's class map.
    """
    picture_B11 = torch.arange(len(classes_BHW), device=classes_BHW.device)[:, None, None]
    apart_BHW = picture_B11 * (classes_BHW.max() + 1) + classes_BHW
    _, segment_BHW, pixels_S = torch.unique(apart_BHW, return_inverse=True, return_counts=True)
    found_S3N = soft_histograms(image_B3HW, segment_BHW, pixels_S)
    with torch.no_grad():
        wanted_S3N = soft_histograms(target_B3HW, segment_BHW, pixels_S)
    difference_S = (found_S3N - wanted_S3N).abs().sum(2).mean(1)
    weight_S = pixels_S * (pixels_S >= SMALLEST)
    return cast("Tensor", (difference_S * weight_S).sum() / weight_S.sum().clamp(min=1))


def soft_histograms(image_B3HW: Tensor, segment_BHW: Tensor, pixels_S: Tensor) -> Tensor:
    """Differentiable histograms (S, 3, N) of the segments' channels, each summing to 1.

    A pixel's kernel over the bins is read from a table, between two of its rows. So a batch is
    counted on the rows first and spread over the bins afterwards: memory does not grow with pixels
    times bins.

    Args:
        image_B3HW: in [0, 1].
        segment_BHW: int64, which segment a pixel belongs to.
        pixels_S: how many pixels each has.
    """
    with torch.autocast(image_B3HW.device.type, enabled=False):
        place_3P = image_B3HW.float().clamp(0, 1).transpose(0, 1).flatten(1) * (LEVELS - 1)
        below_3P = place_3P.detach().floor().clamp(max=LEVELS - 2)
        above_3P = place_3P - below_3P
        channel_31 = torch.arange(3, device=image_B3HW.device)[:, None]
        row_3P = (segment_BHW.flatten() * 3 + channel_31) * LEVELS + below_3P.long()
        counts = place_3P.new_zeros(len(pixels_S) * 3 * LEVELS)
        counts = counts.index_add(0, row_3P.flatten(), (1 - above_3P).flatten())
        counts = counts.index_add(0, row_3P.flatten() + 1, above_3P.flatten())
        histograms_S3N = counts.view(-1, 3, LEVELS) @ _kernels(image_B3HW.device)
        return histograms_S3N / pixels_S[:, None, None]


def _kernels(device: torch.device) -> Tensor:
    """How much of each level's brightness belongs to each bin, (LEVELS, N); rows sum to 1."""
    levels = torch.linspace(0, 1, LEVELS, device=device)[:, None]
    beyond = torch.sigmoid(SLOPE * (levels - torch.linspace(0, 1, BINS + 1, device=device)))
    beyond[:, 0], beyond[:, -1] = 1, 0  # black and white lose nothing over the ends
    return beyond[:, :-1] - beyond[:, 1:]


class SemanticAdversary(nn.Module):
    """The discriminators, global and local; an optimiser of their own minimises their loss.

    Every score is meant to be 1 for a reference and 0 for an output.

    Args:
        classes: how many the class maps know.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, EMBEDDED)
        self.overall = _discriminator(3 + EMBEDDED)
        self.local = _discriminator(3 + 1)

    def generator_loss(self, fake_B3HW: Tensor, classes_BHW: Tensor) -> Tensor:
        """What an enhancer minimises to be taken for real; gradient reaches the picture alone.

        Args:
            fake_B3HW: its output, in [0, 1].
            classes_BHW: int64, the reference's class map.
        """
        with _frozen(self):
            segment_B1HW = self.worst_segment(fake_B3HW, classes_BHW)
            return self._misses(fake_B3HW, classes_BHW, segment_B1HW, REAL)

    def discriminator_loss(
        self, fake_B3HW: Tensor, real_B3HW: Tensor, classes_BHW: Tensor
    ) -> Tensor:
        """What the discriminators minimise to tell outputs from references.

        Args:
            fake_B3HW: the enhancer's output; no gradient reaches it.
            real_B3HW: its reference.
            classes_BHW: int64, the reference's class map.
        """
        fake_B3HW = fake_B3HW.detach()
        segment_B1HW = self.worst_segment(fake_B3HW, classes_BHW)
        taken = self._misses(fake_B3HW, classes_BHW, segment_B1HW, FAKE)
        return (taken + self._misses(real_B3HW, classes_BHW, segment_B1HW, REAL)) / 2

    @torch.no_grad()
    def worst_segment(self, fake_B3HW: Tensor, classes_BHW: Tensor) -> Tensor:
        """Of each picture's largest segments, the one most probably fake; 1 there, 0 elsewhere."""
        pixels_BK = fake_B3HW.new_zeros(len(classes_BHW), self.embedding.num_embeddings).float()
        class_BP = classes_BHW.flatten(1)
        pixels_BK.scatter_add_(1, class_BP, torch.ones_like(class_BP, dtype=torch.float))
        pixels_BS, class_BS = pixels_BK.topk(min(CANDIDATES, pixels_BK.shape[1]))
        segments_BSHW = (classes_BHW[:, None] == class_BS[:, :, None, None]).float()
        candidates = [segment_BHW[:, None] for segment_BHW in segments_BSHW.unbind(1)]
        mean_BS = torch.stack([self._mean(fake_B3HW, s) for s in candidates], 1)
        mean_BS = mean_BS.masked_fill(pixels_BS < SMALLEST, torch.inf)
        worst_B111 = mean_BS.argmin(1)[:, None, None, None]
        return segments_BSHW.take_along_dim(worst_B111, 1)

    def _mean(self, image_B3HW: Tensor, segment_B1HW: Tensor) -> Tensor:
        return _over(*self._judge(image_B3HW, segment_B1HW))

    def _misses(
        self, image_B3HW: Tensor, classes_BHW: Tensor, segment_B1HW: Tensor, goal: float
    ) -> Tensor:
        """Squared distance of either discriminator's scores from the goal, added."""
        map_BCHW = self.embedding(classes_BHW).permute(0, 3, 1, 2)
        scores_B1hw: Tensor = self.overall(torch.cat([image_B3HW, map_BCHW], 1)).float()
        local_B1hw, cover_B1hw = self._judge(image_B3HW, segment_B1HW)
        local_B = _over((local_B1hw - goal).square(), cover_B1hw)
        return (scores_B1hw - goal).square().mean() + local_B.mean()

    def _judge(self, image_B3HW: Tensor, segment_B1HW: Tensor) -> tuple[Tensor, Tensor]:
        """The local scores (B, 1, h, w), and how much of each score's cell is the segment."""
        seen = torch.cat([image_B3HW * segment_B1HW, segment_B1HW], 1)
        scores_B1hw = self.local(seen).float()
        return scores_B1hw, F.adaptive_avg_pool2d(segment_B1HW, scores_B1hw.shape[2:])


def _over(values_B1hw: Tensor, cover_B1hw: Tensor) -> Tensor:
    """Mean over what is covered."""
    return (values_B1hw * cover_B1hw).sum((1, 2, 3)) / cover_B1hw.sum((1, 2, 3))


def _discriminator(channels: int) -> nn.Sequential:
    """A score for every patch of 54 pixels, one to each 8 x 8 pixels; 0.3 M parameters.

    Nothing is normalised on the way: brightness and contrast are part of what is judged.
    """
    layers: list[nn.Module] = []
    for before, after in pairwise((channels, 32, 64, 128)):
        layers += [nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(0.2)]
    layers += [nn.Conv2d(128, 128, 3, 1, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(128, 1, 3, 1, 1))


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
