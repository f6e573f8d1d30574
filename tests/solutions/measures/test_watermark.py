"""The mark against its theory: how often chance finds one, how little it changes, what it survives."""
import pytest
import torch
from scipy.fft import dctn
from scipy.stats import kstest, norm

from clipkit import Walkers, read_video, write_video
from solutions.measures.watermark import from_spectrum, key_signs, marked_band, pooled_score, spectrum
from solutions.post_processing import psnr
from solutions.responsibility import detection_score, embed, threshold

CLIPS = Walkers(4, num_frames=16, seed=5).clips


def test_the_spectrum_is_scipys():
    volume = torch.randn(4, 6, 8)
    expected = torch.from_numpy(dctn(volume.numpy(), norm="ortho"))
    torch.testing.assert_close(spectrum(volume), expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(from_spectrum(spectrum(volume)), volume, atol=1e-5, rtol=1e-4)


def test_the_band_leaves_out_the_looks_and_the_finest_detail():
    band = marked_band((4, 32, 32))
    assert not band[:, 0, 0].any() and not band[:, 0, 1].any() and not band[:, 12:].any()
    assert band[0, 0, 2] and band[3, 5, 5] and torch.equal(band[0], band[3])


def test_without_a_mark_chance_follows_its_theory():
    """Scores of one clip under 1500 keys are normal with mean 0 and variance 1."""
    scores = torch.tensor([detection_score(CLIPS[0], key) for key in range(1500)])
    assert kstest(scores.numpy(), norm.cdf).pvalue > 0.01
    wrongly = (scores > threshold(0.05)).float().mean().item()
    assert wrongly == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 1500) ** 0.5)


def test_the_threshold_is_the_quantile():
    for rate in (0.5, 1e-3, 1e-6):
        assert threshold(rate) == pytest.approx(norm.isf(rate), abs=1e-8)
    with pytest.raises(ValueError, match=r"in \(0, 1\), got 1"):
        threshold(1)


def test_the_mark_is_faint_and_of_one_key():
    for key, clip in enumerate(CLIPS):
        marked = embed(clip, key)
        assert 38 <= psnr(marked, clip) < 39.5 and marked.abs().max() <= 1
        assert detection_score(marked, key) > threshold(1e-9)
        assert abs(detection_score(marked, key + 100)) < 4
    assert torch.equal(key_signs(7, 50), key_signs(7, 50))
    assert not torch.equal(key_signs(7, 50), key_signs(8, 50))


@pytest.mark.parametrize("crf, least", [(18, 8), (28, 4.75)])
def test_the_mark_survives_encoding_and_resizing(crf, least, tmp_path):
    """Enlarged, compressed by H.264, decoded, and brought back to its size."""
    for key, clip in enumerate(CLIPS[:2]):
        path = write_video(embed(clip, key), tmp_path / f"{key}.mp4", scale=3, crf=crf)
        assert detection_score(read_video(path, size=32), key) > least


def test_the_mark_survives_light_and_noise():
    marked = embed(CLIPS[0], 3)
    rng = torch.Generator().manual_seed(0)
    for changed in (marked * 0.8 - 0.1, (marked + 0.2).clamp(-1, 1), marked.sign() * marked.abs() ** 1.2,
                    (marked + 0.05 * torch.randn(marked.shape, generator=rng)).clamp(-1, 1)):
        assert detection_score(changed, 3) > threshold(1e-6)


def test_many_clips_together():
    scores = [detection_score(embed(clip, key, strength=0.004), key) for key, clip in enumerate(CLIPS)]
    assert pooled_score(scores) == pytest.approx(sum(scores) / 2)
    assert pooled_score(scores) > max(scores)
