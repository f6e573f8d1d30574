"""Short video clips as tensors: data without a download, pictures, players, files, presets, checkpoints.

A clip is float32 (T, C, H, W) in [-1, 1], a batch (B, T, C, H, W), an image (C, H, W).
"""

from clipkit.checkpoint import Checkpoint
from clipkit.clips import ClipSet
from clipkit.digits import MovingDigits, digit_images
from clipkit.figures import figure, figure_frame
from clipkit.folder import ClipFolder
from clipkit.lpc import LPCSprites
from clipkit.online_sets import online
from clipkit.pictures import Picture, film_strip, image_grid
from clipkit.player import Player, play
from clipkit.presets import device, pick, preset
from clipkit.progress_bar import progress
from clipkit.steered_walkers import SteeredWalkers
from clipkit.video import read_video, write_video
from clipkit.walkers import Walkers

__all__ = [
    "Checkpoint",
    "ClipFolder",
    "ClipSet",
    "LPCSprites",
    "MovingDigits",
    "Picture",
    "Player",
    "SteeredWalkers",
    "Walkers",
    "device",
    "digit_images",
    "figure",
    "figure_frame",
    "film_strip",
    "image_grid",
    "online",
    "pick",
    "play",
    "preset",
    "progress",
    "read_video",
    "write_video",
]
