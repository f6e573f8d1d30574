"""Characters against Pillow's own composition of the sheets; files against their checksums; no network is used."""

import hashlib
import shutil
import urllib.request
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image

from clipkit import LPCSprites, lpc_files
from clipkit.lpc_files import CREDITS, SHA256, SOURCE, fetched
from clipkit.pixels import to_pixels

SHEETS = Path(__file__).resolve().parents[3] / "shared" / "data" / "lpc_sprites"
needs_sheets = pytest.mark.skipif(
    not SHEETS.is_dir(), reason="needs the LPC sheets in ../shared/data/lpc_sprites: the project does not carry them"
)


def sprites(count=8, **options):
    return LPCSprites(count, root=SHEETS, **options)


def composed(clips: LPCSprites, index: int, row: int, column: int) -> np.ndarray:
    """One cell of the character of a clip, (64, 64, 3), put together by Pillow."""
    label = {name: values[index].item() for name, values in clips.labels.items()}
    names = [f"body/{label['body']}", f"bottomwear/{label['bottom']}", f"topwear/{label['top']}"]
    cell = Image.new("RGBA", (64, 64), "black")
    for name in [*names, f"hair/{label['hair']}", "shoes/1"]:
        sheet = Image.open(SHEETS / f"{name}.png").convert("RGBA")
        cell = Image.alpha_composite(cell, sheet.crop((column * 64, row * 64, column * 64 + 64, row * 64 + 64)))
    return np.asarray(cell.convert("RGB"))


@needs_sheets
@pytest.mark.parametrize("action, direction, row, columns", [
    ("cast", "left", 1, (0, 1, 2, 3, 4, 5, 4, 6)),
    ("walk", "towards", 10, (8, 1, 2, 3, 4, 5, 6, 7)),
    ("slash", "right", 15, (0, 1, 2, 3, 4, 5, 4, 0)),
])
def test_frames_are_what_pillow_composes(action, direction, row, columns):
    clips = sprites(2, action=action, direction=direction)
    for index in range(2):
        pixels = to_pixels(clips[index][0])
        for frame, column in enumerate(columns):
            assert np.abs(pixels[frame].astype(int) - composed(clips, index, row, column)).max() <= 1


@needs_sheets
def test_all_different_clips_are_counted_and_labelled_once():
    clips = sprites(None)
    assert len(clips) == 7 * 7 * 7 * 10 * 3 * 3 == 30_870
    assert len(set(zip(*(values.tolist() for values in clips.labels.values()), strict=True))) == 30_870
    for name, values in clips.attributes.items():
        assert torch.bincount(clips.labels[name]).tolist() == [30_870 // len(values)] * len(values)


@needs_sheets
def test_every_value_of_every_label_can_be_seen():
    for name, values in LPCSprites(1, root=SHEETS).attributes.items():
        others = {"body": "light", "bottom": "red", "top": "tie", "hair": "red bob", "action": "walk",
                  "direction": "left"}
        del others[name]
        clips = sprites(None, **others)  # they differ in this label alone
        assert len(clips) == len(values)
        assert len({clip.numpy().tobytes() for clip in clips.clips}) == len(values), name


@needs_sheets
def test_every_frame_shows_somebody_and_neighbours_differ():
    clips = sprites(64, size=32).clips
    assert clips.shape == (64, 8, 3, 32, 32) and -1 <= clips.min() and clips.max() <= 1
    assert (clips > -1).float().mean((2, 3, 4)).min() > 0.08  # of the pixels of each frame
    assert (clips[:, 1:] - clips[:, :-1]).abs().amax((2, 3, 4)).min() > 0.1


@needs_sheets
def test_every_motion_begins_again_after_eight_frames():
    long, short = sprites(6, num_frames=19), sprites(6)
    torch.testing.assert_close(long.clips[:, :8], short.clips)
    torch.testing.assert_close(long.clips[:, 8:], long.clips[:, :-8])


@needs_sheets
def test_half_the_size_is_the_mean_of_four_pixels():
    large, small = sprites(3).clips, sprites(3, size=32).clips
    torch.testing.assert_close(large.unflatten(-1, (32, 2)).unflatten(-3, (32, 2)).mean((-3, -1)), small)


@needs_sheets
def test_the_ground_is_the_colours_asked_for_and_nothing_else_changes():
    black, both = sprites(16), sprites(16, background=("#ff0000", "#0000ff"))
    corners = {tuple(clip[0, :, 0, 0].tolist()) for clip in both.clips}
    assert corners == {(1, -1, -1), (-1, -1, 1)}
    assert (both.clips[:, :, :, 0, 0] == both.clips[:, :1, :, 63, 63]).all()  # it stands still
    changed = (black.clips != both.clips).any(2)
    assert changed.float().mean() > 0.5 and (black.clips.amax(2)[changed] < 0).all()


@needs_sheets
def test_one_clip_is_the_same_as_in_all_and_seeds_repeat():
    clips = sprites(10, seed=3)
    alone, labels = clips[7]
    assert torch.equal(alone, clips.clips[7]) and torch.equal(clips[7][0], alone)
    assert labels == {name: values[7].item() for name, values in clips.labels.items()}
    assert torch.equal(sprites(20, seed=3).clips[:10], clips.clips)
    assert not torch.equal(sprites(10, seed=4).clips, clips.clips)
    assert "LPCSprites(10 clips of 8 frames, 3 x 64 x 64" in repr(clips)
    assert "Liberated Pixel Cup" in clips.credits and "CC BY-SA 3.0" in clips.credits


@pytest.mark.parametrize("wrong, message", [
    ({"size": 48}, "drawn at size 64 and halved to 32, got 48"),
    ({"num_frames": 0}, "at least 1 frame, got 0"),
    ({"count": 30_871}, "1 to 30870, the number of different clips, got 30871"),
    ({"count": 442, "action": "walk", "hair": "blue bun", "body": "orc"}, "1 to 147"),
    ({"actoin": "walk"}, "attribute of LPC sprites 'actoin'. Did you mean 'action'"),
    ({"action": "wlak"}, "action of LPC sprites 'wlak'. Did you mean 'walk'"),
    ({"body": ()}, "at least one body"),
    ({"background": "green"}, "colours as '#rrggbb', got"),
])
def test_bad_arguments_say_what_is_wrong(wrong, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        LPCSprites(**{"count": 4, "root": tmp_path} | wrong)


def published(monkeypatch, files):
    """Stands in for the network: `files` by name; says what was asked for."""
    asked = []

    def urlopen(url, timeout):
        name = url.removeprefix(f"{SOURCE}/")
        asked.append(name)
        if name not in files:
            raise URLError("Temporary failure in name resolution")
        path = files[name]
        return path.open("rb")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Two files instead of the sheets, with their checksums."""
    files = {}
    for name in ("body/0.png", "hair/0.png"):
        files[name] = tmp_path / "published" / name
        files[name].parent.mkdir(parents=True)
        files[name].write_bytes(name.encode())
    monkeypatch.setattr(lpc_files, "SHA256", {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
    })
    return files


def test_what_is_missing_is_fetched_once_with_credits(small, monkeypatch, tmp_path):
    asked = published(monkeypatch, small)
    root = tmp_path / "sheets"
    assert fetched(root) == root and asked == ["body/0.png", "hair/0.png"]
    assert (root / "hair/0.png").read_bytes() == b"hair/0.png" and (root / "CREDITS.txt").read_text() == CREDITS
    (root / "hair/0.png").unlink()
    fetched(root)
    fetched(root)
    assert asked == ["body/0.png", "hair/0.png", "hair/0.png"]
    assert sorted(p.name for p in root.rglob("*") if p.is_file()) == ["0.png", "0.png", "CREDITS.txt"]


def test_no_network_says_so_and_what_to_do(small, monkeypatch, tmp_path):
    published(monkeypatch, {})
    with pytest.raises(ConnectionError, match=r"could not get https://.*Temporary failure.*Walkers\(\)"):
        fetched(tmp_path / "sheets")


def test_a_file_that_is_not_whole_is_named(small, monkeypatch, tmp_path):
    published(monkeypatch, small)
    root = fetched(tmp_path / "sheets")
    (root / "hair/0.png").write_bytes(b"hair")
    with pytest.raises(ValueError, match=r"not the published file \(SHA-256 .*hair/0.png.*delete it"):
        fetched(root)


def test_what_arrives_broken_is_not_kept(small, monkeypatch, tmp_path):
    published(monkeypatch, small)
    small["body/0.png"].write_bytes(b"<html>sign in first</html>")
    with pytest.raises(ValueError, match="not the published file .* what came from https://"):
        fetched(tmp_path / "sheets")
    assert not (tmp_path / "sheets" / "body").exists()


@needs_sheets
def test_the_checksums_are_those_of_the_sheets(tmp_path):
    assert fetched(SHEETS) == SHEETS and len(SHA256) == 7 + 7 + 7 + 10 + 1 + 2
    copy = shutil.copytree(SHEETS, tmp_path / "copy", copy_function=shutil.copyfile)
    (copy / "topwear").chmod(0o755)
    data = bytearray((copy / "topwear/3.png").read_bytes())
    data[5000] ^= 1
    (copy / "topwear/3.png").write_bytes(data)
    with pytest.raises(ValueError, match="topwear/3.png"):
        LPCSprites(1, root=copy)
