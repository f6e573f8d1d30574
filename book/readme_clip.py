"""The clip of the README, taken from the reference run of chapter 2: `python book/readme_clip.py`."""
import base64
import re
import tempfile
from pathlib import Path

import nbformat
from torch import Tensor

import clipkit

BOOK = Path(__file__).resolve().parent
CLIP = BOOK / "assets" / "clips" / "digits.gif"


def frames() -> Tensor:
    """The clip (T, C, H, W) as chapter 2 shows it, in sixteen greys: a GIF of 24 frames stays small."""
    run = nbformat.read(BOOK / "outputs" / "02_gan_losses.ipynb", as_version=4)
    (cell,) = [cell for cell in run.cells if cell.metadata.get("label") == "digits-walk"]
    html = cell.outputs[0].data["text/html"]
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(base64.b64decode(re.search(r"data:video/mp4;base64,([^\"]+)", html)[1]))
        file.flush()
        clip = clipkit.read_video(file.name)[::2]
    return ((clip * 7.5).round() / 7.5).clamp(-1, 1)


if __name__ == "__main__":
    clipkit.write_video(frames(), CLIP, fps=5)
    print(f"{CLIP.relative_to(BOOK.parent)}: {CLIP.stat().st_size / 1e3:.0f} KB")
