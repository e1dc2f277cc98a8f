"""Semantic-aware Embedding Module: lets what is in the picture steer its restoration.

DeepSPG, Eq. 7-8, after SKF. B batch, C channels, S prior channels, H W pixels, D = C.

The paper writes ``W_v(F_i) x A + F_i``; with F_i of HW x C this multiplies only if A is C x C, so
the attention is between channels and costs time linear in pixels. The sum over pixels in Eq. 7
grows with the picture; keys and queries are therefore scaled to unit length over the pixels, and
a learned temperature takes the place of the root of C.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Normalises; the shape stays."""
        last = features_BCHW.permute(0, 2, 3, 1)
        return F.layer_norm(last, last.shape[-1:], self.weight, self.bias).permute(0, 3, 1, 2)


class SemanticEmbedding(nn.Module):
    """One scale's SEM."""

    def __init__(self, channels: int, prior_channels: int) -> None:
        super().__init__()
        self.norm_prior = ChannelNorm(prior_channels)
        self.to_query = nn.Conv2d(prior_channels, channels, 1)
        self.norm = ChannelNorm(channels)
        self.to_key_value = nn.Conv2d(channels, 2 * channels, 1)
        self.temperature = nn.Parameter(torch.full((1,), 4.0))
        self.feed_forward = nn.Sequential(
            ChannelNorm(channels),
            nn.Conv2d(channels, 2 * channels, 1),
            nn.GELU(),
            nn.Conv2d(2 * channels, channels, 1),
        )

    def query(self, prior_BSHW: Tensor) -> Tensor:
        """W_q(F_s): all that a frame needs of the prior, computed once for many frames."""
        return self.to_query(self.norm_prior(prior_BSHW))  # type: ignore[no-any-return]

    def forward(self, features_BCHW: Tensor, query_BDHW: Tensor | None) -> Tensor:
        """Mixes the features' channels as the query says; without one only feeds forward.

        The query may come from a smaller picture: it is stretched to the features' size.
        """
        if query_BDHW is not None:
            features_BCHW = features_BCHW + self._attend(features_BCHW, query_BDHW)
        return features_BCHW + self.feed_forward(features_BCHW)  # type: ignore[no-any-return]

    def _attend(self, features_BCHW: Tensor, query_BDHW: Tensor) -> Tensor:
        size = features_BCHW.shape[2:]
        key, value = self.to_key_value(self.norm(features_BCHW)).flatten(2).chunk(2, 1)
        query = F.interpolate(query_BDHW, size=size, mode="bilinear").flatten(2)
        key, query = F.normalize(key, dim=2), F.normalize(query, dim=2)
        map_BCD = (self.temperature * key @ query.transpose(1, 2)).softmax(1)  # Eq. 7
        mixed_BDHW: Tensor = (map_BCD.transpose(1, 2) @ value).unflatten(2, size)  # Eq. 8
        return mixed_BDHW
