from __future__ import annotations

import pytest
import torch
from torch import Tensor

from core.model.sem import ChannelNorm, SemanticEmbedding


@pytest.fixture
def sem() -> SemanticEmbedding:
    torch.manual_seed(1)
    return SemanticEmbedding(6, 5)


@pytest.fixture
def features() -> Tensor:
    torch.manual_seed(2)
    return torch.randn(2, 6, 8, 10)


@pytest.fixture
def query(sem: SemanticEmbedding) -> Tensor:
    torch.manual_seed(3)
    return sem.query(torch.randn(2, 5, 8, 10))


@torch.inference_mode()
def test_attention_is_between_channels(
    sem: SemanticEmbedding, features: Tensor, query: Tensor
) -> None:
    order = torch.randperm(80)

    def shuffle(plane: Tensor) -> Tensor:
        return plane.flatten(2)[..., order].reshape(plane.shape)

    torch.testing.assert_close(
        sem(shuffle(features), shuffle(query)), shuffle(sem(features, query))
    )


@torch.inference_mode()
def test_attention_is_equations_7_and_8(
    sem: SemanticEmbedding, features: Tensor, query: Tensor
) -> None:
    planes = sem.to_key_value(sem.norm(features))
    mixed = torch.zeros_like(features)
    for batch in range(2):
        # As the paper has it: pixels in rows, channels in columns.
        key, value, asked = (
            plane[batch].reshape(6, 80).T for plane in (planes[:, :6], planes[:, 6:], query)
        )
        unit_key, unit_asked = key / key.norm(dim=0), asked / asked.norm(dim=0)
        attention_CD = torch.softmax(unit_key.T @ unit_asked * sem.temperature, 0)
        mixed[batch] = (value @ attention_CD).T.reshape(6, 8, 10) + features[batch]
    torch.testing.assert_close(sem(features, query), mixed + sem.feed_forward(mixed))


@torch.inference_mode()
def test_where_semantics_stand_matters(
    sem: SemanticEmbedding, features: Tensor, query: Tensor
) -> None:
    assert not torch.allclose(sem(features, query.flip(3)), sem(features, query))


@torch.inference_mode()
def test_a_smaller_query_is_stretched(
    sem: SemanticEmbedding, features: Tensor, query: Tensor
) -> None:
    small = query[..., ::2, ::2]
    wide = torch.nn.functional.interpolate(small, size=(8, 10), mode="bilinear")
    torch.testing.assert_close(sem(features, small), sem(features, wide))


@torch.inference_mode()
def test_attention_forgets_how_many_pixels_there_are(
    sem: SemanticEmbedding, features: Tensor, query: Tensor
) -> None:
    twice = sem(torch.cat([features] * 2, 3), torch.cat([query] * 2, 3))
    torch.testing.assert_close(twice, torch.cat([sem(features, query)] * 2, 3))


@torch.inference_mode()
def test_without_a_query_pixels_stay_to_themselves(
    sem: SemanticEmbedding, features: Tensor
) -> None:
    changed = features.clone()
    changed[..., 3, 4] += 1
    same = torch.ones(8, 10, dtype=torch.bool)
    same[3, 4] = False
    torch.testing.assert_close(sem(changed, None)[..., same], sem(features, None)[..., same])


@torch.inference_mode()
def test_channel_norm_works_on_each_pixel(features: Tensor) -> None:
    normal = ChannelNorm(6)(3 * features + 7)
    torch.testing.assert_close(normal.mean(1), torch.zeros(2, 8, 10), atol=1e-5, rtol=0)
    torch.testing.assert_close(normal.var(1, correction=0), torch.ones(2, 8, 10), atol=1e-3, rtol=0)
