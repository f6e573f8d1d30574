"""A set of clips as a loader and a reader use it."""
import pytest
import torch
from torch.utils.data import DataLoader

import clipkit


def test_a_loader_collates_clips_and_labels():
    walkers = clipkit.Walkers(6, num_frames=2)
    clips, labels = next(iter(DataLoader(walkers, batch_size=4)))
    assert torch.equal(clips, walkers.clips[:4])
    assert set(labels) == set(walkers.attributes)
    assert torch.equal(labels["shirt"], walkers.labels["shirt"][:4])


def test_one_item_is_a_clip_and_whole_numbers():
    clip, labels = clipkit.MovingDigits(2, num_frames=3)[1]
    assert clip.shape == (3, 1, 32, 32)
    assert type(labels["digit"]) is int


def test_labels_in_words():
    clips = clipkit.ClipSet(
        torch.zeros(2, 1, 3, 8, 8), {"mood": torch.tensor([1, 0])}, {"mood": ("calm", "wild")}, fps=5
    )
    assert [clips.describe(i) for i in range(2)] == [{"mood": "wild"}, {"mood": "calm"}]
    assert len(clips) == 2 and clips.fps == 5
    assert repr(clips) == "ClipSet(2 clips of 1 frames, 3 x 8 x 8; labels: mood)"


def test_what_is_unlike_a_training_set():
    """Clips made by a program repeat: of few kinds nearly all do, and the labels stay with their clips."""
    taught = clipkit.Walkers(200, num_frames=2, scene="meadow", action="wave", haircut="short", seed=0)
    others = clipkit.Walkers(200, num_frames=2, scene="meadow", action="wave", haircut="short", seed=1)
    equal = (others.clips.flatten(1)[:, None] == taught.clips.flatten(1)).all(2).any(1)
    assert 0 < equal.sum() < 200
    new = others.unlike(taught.clips)
    assert torch.equal(new.clips, others.clips[~equal])
    assert torch.equal(new.labels["shirt"], others.labels["shirt"][~equal]) and new.fps == others.fps
    assert len(taught.unlike(taught.clips)) == 0
    with pytest.raises(ValueError, match=r"expected clips \(M, 2, 3, 32, 32\)"):
        others.unlike(taught.clips[:, :1])


def test_labels_are_optional():
    clips = clipkit.ClipSet(torch.zeros(2, 1, 3, 8, 8))
    assert clips[0][1] == clips.labels == {}
