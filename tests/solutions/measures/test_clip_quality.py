"""PSNR, SSIM and flicker against NumPy, SciPy and closed forms."""
import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from clipkit import Walkers
from solutions.measures.clip_quality import fine_detail, flicker, ssim
from solutions.post_processing import psnr


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_psnr_of_a_known_error():
    clip = torch.zeros(4, 3, 8, 8)
    assert psnr(clip + 0.2, clip).item() == pytest.approx(20, abs=1e-4)
    assert psnr(clip, clip).item() == math.inf
    noisy = torch.stack([clip + 0.2, clip + 0.02])
    torch.testing.assert_close(psnr(noisy, clip.expand(2, -1, -1, -1, -1)), torch.tensor([20.0, 40.0]), atol=1e-3, rtol=0)


def scipys_ssim(x, y):
    """Wang et al. 2004 for one channel of values 0 to 255, in NumPy."""
    mean = lambda v: gaussian_filter(v, 1.5, radius=5)[5:-5, 5:-5]
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return ((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean()


@pytest.mark.parametrize("noise", [0.02, 0.2, 1.0])
def test_ssim_is_the_published_formula(noise):
    images = Walkers(3, num_frames=1).clips[:, 0]
    other = (images + noise * torch.randn_like(images)).clamp(-1, 1)
    for x, y, score in zip(images, other, ssim(images, other), strict=True):
        levels = [np.asarray((v.double() + 1) * 127.5) for v in (x, y)]
        wanted = np.mean([scipys_ssim(a, b) for a, b in zip(*levels, strict=True)])
        assert score.item() == pytest.approx(wanted, abs=1e-4)


def test_ssim_is_torchmetrics():
    from torchmetrics.functional.image import structural_similarity_index_measure as theirs

    images = Walkers(4, num_frames=1).clips[:, 0] / 2 + 0.5
    other = (images + 0.1 * torch.randn_like(images)).clamp(0, 1)
    crop = theirs(images, other, data_range=1.0, return_full_image=True)[1][..., 5:-5, 5:-5].mean(dim=(1, 2, 3))
    torch.testing.assert_close(ssim(images * 2 - 1, other * 2 - 1), crop, atol=1e-4, rtol=0)


def test_ssim_of_equals_is_one_and_it_is_symmetric():
    x, y = Walkers(2, num_frames=1).clips[:, 0].split(1)
    assert ssim(x, x).item() == pytest.approx(1)
    assert ssim(x, y).item() == pytest.approx(ssim(y, x).item(), abs=1e-6)


def test_flicker_is_zero_for_a_fade_and_four_times_the_depth_of_an_alternation():
    fade = torch.linspace(-1, 1, 9).view(-1, 1, 1, 1).expand(-1, 3, 4, 4)
    alternating = (-1.0) ** torch.arange(9).view(-1, 1, 1, 1).expand(-1, 3, 4, 4) * 0.1
    assert flicker(fade).item() == pytest.approx(0, abs=1e-6)
    assert flicker(alternating).item() == pytest.approx(0.4, abs=1e-6)


def test_detail_of_a_chequered_board_is_all_of_it_and_of_a_slope_nothing():
    board = (-1.0) ** (torch.arange(8)[:, None] + torch.arange(8))
    assert fine_detail(board.expand(2, 3, 3, 8, 8)) == pytest.approx(1)  # the blur leaves nothing
    slope = torch.arange(8.0)[:, None] / 8 + torch.arange(8) / 16
    assert fine_detail(slope.expand(2, 3, 3, 8, 8)) == pytest.approx(0, abs=1e-10)


def test_speckle_adds_its_own():
    """Noise of variance 1 keeps 1 - 2 (1/4) + 9/64 of itself: the blur's weight at the pixel, and its squares' sum."""
    clips = torch.randn(40, 4, 3, 18, 18, generator=torch.Generator().manual_seed(0))
    assert fine_detail(clips) == pytest.approx(1 - 2 / 4 + 9 / 64, rel=0.02)
