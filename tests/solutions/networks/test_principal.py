"""Principal components against a singular value decomposition, and clips to codes and back."""
import pytest
import torch

from clipkit import MovingDigits
from solutions.networks.principal import PrincipalCodes, principal_components

CLIPS = MovingDigits(60, num_frames=4, size=16).clips


def fitted(code, frame_code):
    torch.manual_seed(0)
    codes = PrincipalCodes(4, 1, 16, code=code, frame_code=frame_code)
    codes.fit(CLIPS)
    return codes


def test_components_are_those_of_the_singular_value_decomposition():
    torch.manual_seed(0)
    rows = torch.randn(200, 30) @ torch.diag(0.8 ** torch.arange(30.0)) + 3
    mean, found = principal_components(rows, 6)
    torch.testing.assert_close(mean, rows.mean(0))
    torch.testing.assert_close(found @ found.T, torch.eye(6), atol=1e-5, rtol=0)
    _, _, directions = torch.linalg.svd(rows - mean, full_matrices=False)
    torch.testing.assert_close((found @ directions[:6].T).abs(), torch.eye(6), atol=0.02, rtol=0)


def test_more_components_than_there_are_say_nothing_more():
    rows = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    mean, found = principal_components(rows, 12)
    assert found.shape == (12, 8) and (found[5:] == 0).all()
    torch.testing.assert_close((rows - mean) @ found.T @ found + mean, rows, atol=1e-5, rtol=0)


def test_clips_come_back_the_better_the_longer_the_code():
    errors = []
    for code, frame_code in ((2, 2), (8, 16), (59, 256)):
        codes = fitted(code, frame_code)
        encoded = codes.encode(CLIPS)
        assert encoded.shape == (60, code)
        assert encoded.square().mean().sqrt().item() == pytest.approx(1, rel=1e-4)
        errors.append((codes.decode(encoded) - CLIPS).square().mean().item())
    assert errors[0] > errors[1] > 100 * errors[2], errors


def test_codes_are_ordered_by_how_much_they_vary_and_do_not_correlate():
    codes = fitted(6, 40).encode(CLIPS)
    covariance = codes.T.cov()
    strengths = covariance.diagonal()
    assert strengths.tolist() == sorted(strengths.tolist(), reverse=True)
    assert (covariance - torch.diag(strengths)).abs().max() < 0.02 * strengths[0]


def test_of_many_clips_every_frame_is_seen():
    """Odd frames show what even ones never do; of 20 thousand frames some are drawn, and both kinds must be among them."""
    rng = torch.Generator().manual_seed(0)
    clips = torch.zeros(5000, 4, 1, 4, 4)
    clips[:, ::2, 0, 0] = torch.rand(5000, 2, 4, generator=rng) - 0.5
    clips[:, 1::2, 0, 3] = torch.rand(5000, 2, 4, generator=rng) - 0.5
    torch.manual_seed(0)
    codes = PrincipalCodes(4, 1, 4, code=16, frame_code=8)
    codes.fit(clips)
    torch.testing.assert_close(codes.decode(codes.encode(clips)), clips, atol=1e-3, rtol=0)


def test_what_is_decoded_stays_in_range():
    clips = fitted(6, 40).decode(100 * torch.randn(3, 6))
    assert clips.shape == (3, 4, 1, 16, 16) and clips.abs().max() == 1
