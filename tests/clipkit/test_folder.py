import numpy as np
import pytest
import torch
from PIL import Image

import clipkit


@pytest.fixture
def walkers():
    return clipkit.Walkers(3, seed=6).clips


def save_images(clip: torch.Tensor, folder) -> None:
    """Frames as 1.png, 2.png, ..., 16.png: by name alone, 10 would come before 2."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, frame in enumerate(clip, start=1):
        clipkit.image_grid(frame, alt="a frame", scale=1).save(folder / f"{i}.png")


def test_videos_and_numbered_frames_are_clips(walkers, tmp_path):
    clipkit.write_video(walkers[0], tmp_path / "a.gif")
    save_images(walkers[1], tmp_path / "b")
    (tmp_path / "notes.txt").write_text("not a clip")
    (tmp_path / ".hidden.mp4").write_bytes(b"")
    clips = clipkit.ClipFolder(tmp_path)
    assert len(clips) == 2 and clips.labels == {}
    assert clips[0][0].shape == (16, 3, 32, 32)
    assert torch.allclose(clips.clips, walkers[:2], atol=1e-5)
    assert torch.equal(clips[1][0], clips.clips[1])


def test_subfolders_are_classes(walkers, tmp_path):
    clipkit.write_video(walkers[0], tmp_path / "wave" / "1.gif")
    save_images(walkers[1], tmp_path / "run" / "first")
    clipkit.write_video(walkers[2], tmp_path / "wave" / "2.gif")
    clips = clipkit.ClipFolder(tmp_path, num_frames=4)
    assert clips.attributes == {"class": ("run", "wave")}
    assert clips.labels["class"].tolist() == [0, 1, 1]
    assert clips[2][1] == {"class": 1} and clips.describe(0) == {"class": "run"}
    assert torch.allclose(clips[0][0], walkers[1][:4], atol=1e-5)


def test_loose_images_stand_still(walkers, tmp_path):
    save_images(walkers[0][:2], tmp_path)
    clips = clipkit.ClipFolder(tmp_path, num_frames=3).clips
    assert clips.shape == (2, 3, 3, 32, 32)
    assert torch.allclose(clips, walkers[0][:2, None].expand(-1, 3, -1, -1, -1), atol=1e-5)


def test_photographs_in_classes(walkers, tmp_path):
    save_images(walkers[0][:2], tmp_path / "cats")
    save_images(walkers[1][:3], tmp_path / "dogs")
    photographs = clipkit.ClipFolder(tmp_path, num_frames=1, stills=True)
    assert photographs.clips.shape == (5, 1, 3, 32, 32)
    assert photographs.labels["class"].tolist() == [0, 0, 1, 1, 1]


def test_the_middle_square_is_kept_and_the_camera_held_upright(tmp_path):
    wide = np.zeros((10, 20, 3), np.uint8)
    wide[:, 5:15] = 255
    Image.fromarray(wide).save(tmp_path / "wide.png")
    sideways = Image.fromarray(wide)
    exif = sideways.getexif()
    exif[0x0112] = 6  # hold it a quarter turn clockwise
    sideways.save(tmp_path / "turned.png", exif=exif)
    clips = clipkit.ClipFolder(tmp_path, num_frames=1, size=8).clips
    assert clips.shape == (2, 1, 3, 8, 8)
    assert (clips[..., 1:-1, 1:-1] == 1).all() and (
        clips > 0.8
    ).all()  # the antialiasing meets black at the edge


def test_fps_thins_videos_out(walkers, tmp_path):
    clipkit.write_video(walkers[0], tmp_path / "a.gif", fps=16)
    clips = clipkit.ClipFolder(tmp_path, num_frames=8, fps=8)
    assert torch.allclose(clips[0][0], walkers[0][::2], atol=1e-5)


def test_what_is_missing_is_said_when_the_set_is_made(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder '.*nowhere'; the working folder is"):
        clipkit.ClipFolder(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no clip in .*\.mp4"):
        clipkit.ClipFolder(tmp_path)


def test_a_broken_or_short_clip_is_named(walkers, tmp_path):
    clipkit.write_video(walkers[0][:4], tmp_path / "short.gif")
    with pytest.raises(ValueError, match=r"short\.gif' has 4 frames .*expected 16: ask for fewer"):
        len(clipkit.ClipFolder(tmp_path).clips)
    save_images(walkers[0][:4], tmp_path / "frames")
    with pytest.raises(ValueError, match=r"frames' has 4 frames, expected 16: ask for fewer .*stills=True"):
        clipkit.ClipFolder(tmp_path)[0]
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.jpg' is no image that can be read .*leave it out"):
        clipkit.ClipFolder(tmp_path)[0]
