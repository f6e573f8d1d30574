"""Directions against the singular value decomposition."""
import torch

from solutions.networks.directions import closed_form_directions

RNG = torch.Generator().manual_seed(0)


def test_closed_form_directions_are_right_singular_vectors():
    weight = torch.randn(20, 6, generator=RNG)
    found, expected = closed_form_directions(weight, 3), torch.linalg.svd(weight).Vh[:3]
    torch.testing.assert_close((found * expected).sum(1).abs(), torch.ones(3))
    torch.testing.assert_close(found @ found.T, torch.eye(3), atol=1e-5, rtol=0)
