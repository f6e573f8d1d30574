"""Folders as people keep them: videos, numbered frames, photographs, and what machines leave behind."""
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


@pytest.fixture
def set_of_two(walkers, tmp_path):
    """A set as it was made: a clip of frames and a film, each in a class."""
    save_images(walkers[0], tmp_path / "set" / "run" / "first")
    clipkit.write_video(walkers[1], tmp_path / "set" / "wave" / "1.gif")
    return tmp_path / "set"


def assert_the_same_set(folder, clips):
    found = clipkit.ClipFolder(folder)
    assert [str(path.relative_to(folder)) for path in found.paths] == ["run/first", "wave/1.gif"]
    assert found.attributes == {"class": ("run", "wave")} and found.labels["class"].tolist() == [0, 1]
    assert torch.allclose(found.clips, clips, atol=1e-5)


def test_what_machines_leave_behind_is_nobody_at_every_depth(walkers, set_of_two):
    picture = (set_of_two / "run" / "first" / "1.png").read_bytes()
    left_behind = (  # macOS beside a file and in a ZIP, Jupyter, a file manager, an editor, a system
        "._run", "run/._first", "run/first/._1.png", "run/first/.0.png", "wave/._1.gif", ".hidden.png", ".clip.mp4",
        "__MACOSX/run/first/._1.png", "__MACOSX/first/1.png", "__MACOSX/1.png", "run/__MACOSX/1.png",
        "run/first/__MACOSX/1.png", ".ipynb_checkpoints/1-checkpoint.png", "run/.ipynb_checkpoints/1.png",
        "run/first/.ipynb_checkpoints/1.png", ".thumbnails/clip/1.png", "wave/.thumbnails/1.png", ".DS_Store",
        "run/.DS_Store", "Thumbs.db", "run/first/desktop.ini",
    )
    for name in left_behind:
        path = set_of_two / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0\5\x16\7 Mac OS X" if path.name.startswith("._") else picture)
    assert_the_same_set(set_of_two, walkers[:2])
    (set_of_two / "wave" / "1.gif").unlink()
    photographs = clipkit.ClipFolder(set_of_two / "run", num_frames=1, stills=True)
    assert len(photographs) == 16 and photographs.attributes == {"class": ("first",)}
    assert torch.allclose(photographs.clips[:, 0], walkers[0], atol=1e-5)


def test_the_folder_itself_may_be_hidden(walkers, set_of_two):
    hidden = set_of_two.rename(set_of_two.with_name(".cache")).rename(set_of_two.parent / "__MACOSX")
    assert_the_same_set(hidden, walkers[:2])


def test_a_link_back_doubles_nothing_and_other_links_are_followed(walkers, set_of_two, tmp_path):
    for name, target in {
        "loop": ".", "up": "..", "root": "/", "run/up": "..", "run/loop": ".", "run/first/loop": ".", "wave/top": "../..",
        "gone": "nowhere", "gone.gif": "nowhere.gif", "circle": "circle",
    }.items():  # fmt: skip
        (set_of_two / name).symlink_to(target)
    (set_of_two / "run" / "itself").symlink_to(set_of_two / "run", target_is_directory=True)
    assert_the_same_set(set_of_two, walkers[:2])
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.gif").symlink_to(set_of_two / "wave" / "1.gif")
    (other / "b").symlink_to(set_of_two / "run" / "first")
    assert torch.allclose(clipkit.ClipFolder(other).clips, walkers[[1, 0]], atol=1e-5)
    (tmp_path / "classes").symlink_to(set_of_two)
    assert_the_same_set(tmp_path / "classes", walkers[:2])


def test_a_folder_of_frames_may_have_the_name_of_its_film(walkers, tmp_path):
    save_images(walkers[0], tmp_path / "clip.mp4")
    save_images(walkers[1][:2], tmp_path / "photographs" / "clip.png")
    assert torch.allclose(clipkit.ClipFolder(tmp_path)[0][0], walkers[0], atol=1e-5)
    stills = clipkit.ClipFolder(tmp_path / "photographs", num_frames=1, stills=True)
    assert len(stills) == 2 and stills.attributes == {"class": ("clip.png",)}


def test_only_what_counts_is_a_number(walkers, tmp_path):
    for name in ("10²3", "2", "10", "②", "٣", "1½"):  # ٣ is an Arabic 3
        save_images(walkers[0], tmp_path / name)
    names = [path.name for path in clipkit.ClipFolder(tmp_path).paths]
    assert names == ["1½", "2", "٣", "10", "10²3", "②"]
    for name in ("1.png", "01.png", "001.png"):
        (tmp_path / "same" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "same" / name).write_bytes(b"")
    stills = clipkit.ClipFolder(tmp_path / "same").paths
    assert [path.name for path in stills] == ["001.png", "01.png", "1.png"]  # whatever the disk's order


def test_sixteen_bits_and_transparent_parts_are_seen_as_they_look(tmp_path):
    Image.fromarray(np.full((8, 8), 257 * 51, np.uint16)).save(tmp_path / "1.png")
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "2.png")
    clips = clipkit.ClipFolder(tmp_path, num_frames=1, size=8).clips
    assert torch.allclose(clips[0], torch.tensor(-0.6)) and (clips[1] == 1).all()


def test_a_strip_is_cut_to_its_middle_before_it_is_enlarged(tmp_path):
    strip = np.zeros((2, 400_000, 3), np.uint8)
    strip[:, 199_999:200_001] = 255
    Image.fromarray(strip).save(tmp_path / "strip.png")
    clip = clipkit.ClipFolder(tmp_path, num_frames=1, size=256).clips  # as a whole 256 x 51 million
    assert clip.shape == (1, 1, 3, 256, 256) and (clip == 1).all()


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
