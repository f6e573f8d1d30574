"""The shipped feature network: small, labelled with how it was made, right on clips it has never seen."""
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from clipkit import MovingDigits, Walkers
from solutions.measures.clip_features import (
    ORDERS,
    WEIGHTS,
    ClipFeatures,
    label_accuracy,
    load_features,
    out_of_order,
    save_features,
    train_features,
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_the_file_is_small_and_says_how_it_was_made():
    assert WEIGHTS.stat().st_size < 300_000
    with safe_open(WEIGHTS, "pt") as file:
        made_by = file.metadata()
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float16, torch.int64}  # noqa: SIM118 - it is no dict
    assert set(made_by) == {"classes", "command", "seed", "machine", "accuracy"}


def test_it_names_what_fresh_walkers_are_like():
    scores = label_accuracy(load_features(), Walkers(192, seed=303))
    assert set(scores) == set(Walkers(1).attributes)
    assert min(scores.values()) > 0.95, scores


def test_half_the_frames_will_do():
    scores = label_accuracy(load_features(), Walkers(192, num_frames=8, seed=304))
    assert min(scores.values()) > 0.9, scores


def test_it_tells_clips_out_of_order():
    network, clips = load_features(), Walkers(128, seed=305, action="walk").clips
    clips = torch.cat([clips, out_of_order(clips, torch.Generator().manual_seed(0))])
    guess = network.logits(clips, "order").argmax(dim=1)
    wanted = torch.tensor([0] * 128 + [1] * 64 + [2] * 64)
    assert ORDERS[0] == "as filmed" and (guess == wanted).float().mean() > 0.85


def test_features_have_about_mean_zero_and_variance_one_over_walkers():
    features = load_features()(Walkers(256, seed=306).clips)
    assert features.shape == (256, 64)
    assert features.mean(dim=0).abs().mean() < 0.4 and (features.var(dim=0).mean() - 1).abs() < 0.4


def test_it_takes_other_clips_too():
    network = load_features()
    assert network(MovingDigits(2, num_frames=5).clips).shape == (2, 64)
    assert network(Walkers(2, size=64, num_frames=3).clips).isfinite().all()


def test_a_wrong_label_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'hair'"):
        load_features().logits(torch.zeros(1, 2, 3, 32, 32), "hairs")
    with pytest.raises(FileNotFoundError, match="train them with train_features"):
        load_features(tmp_path / "nothing.safetensors")
    whole, damaged = WEIGHTS.read_bytes(), tmp_path / "damaged.safetensors"
    for content in (b"", whole[:5000], whole[:-1], save({"weight": torch.zeros(2)}), b"version https://git-lfs.github.com"):
        damaged.write_bytes(content)
        with pytest.raises(ValueError, match=r"damaged\.safetensors' does not hold the weights .*: fetch it again"):
            load_features(damaged)


def test_saved_and_loaded_it_is_the_same_to_half_precision(tmp_path):
    network = ClipFeatures({"shirt": 4}).eval()
    save_features(network, tmp_path / "weights.safetensors", command="a test")
    again, clips = load_features(tmp_path / "weights.safetensors"), torch.randn(2, 4, 3, 32, 32)
    torch.testing.assert_close(again(clips), network(clips), atol=1e-2, rtol=1e-2)
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_training_learns_and_repeats_itself():
    data = Walkers(64, num_frames=4)

    def trained():
        torch.manual_seed(0)
        return train_features(data, steps=80, rng=torch.Generator().manual_seed(0), batch_size=16)

    network = trained()
    assert label_accuracy(network, data)["scene"] > 0.9
    for a, b in zip(network.parameters(), trained().parameters(), strict=True):
        assert torch.equal(a, b)
