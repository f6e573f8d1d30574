"""What students upload to a platform: right, wrong, hostile, unreadable and slow."""
import json
from pathlib import Path

from tests.autograde.desk import Desk, cell_of, short

NAME = "02_gan_losses.ipynb"
STEALING = """
import os, pathlib
found = []
for place in ("/autograder", "/autograder/source", "/autograder/source/course/solutions/gan_losses.py", "/opt/course", "/root",
              "/autograder/submission_metadata.json", "/autograder/source/course-folder/.autograde.secret", "{base}",
              "{base}/source/course/solutions/gan_losses.py", "{base}/submission_metadata.json"):
    try:
        found.append((place, os.listdir(place) if os.path.isdir(place) else open(place).read(40)))
    except OSError:
        pass
for place in ("/autograder", "{base}"):
    for name in ("results/results.json", "source/bundle.json", "run_autograder"):
        try:
            pathlib.Path(place, name).write_text('{{"score": 1000}}')
            found.append(("wrote", name))
        except OSError:
            pass
print("STOLEN", found)

def discriminator_loss(real_logits, fake_logits):
    raise SystemExit("STOLEN " + repr(found))
"""


def uploads(base: str = "/autograder") -> dict[str, dict[str, bytes]]:
    """By name, the files of each upload."""
    desk = Desk()
    stealing, slow = short(desk.solved()), short(desk.solved())
    cell_of(stealing, "discriminator_loss").source = STEALING.format(base=base)
    cell_of(slow, "js_divergence").source = "def js_divergence(p, q):\n    while True: pass"
    text = lambda notebook: json.dumps(notebook).encode()
    return {"right": {NAME: text(desk.solved())}, "wrong": {"Copy of mine.ipynb": text(desk.half_right())},
            "hostile": {NAME: text(stealing)}, "unreadable": {NAME: b'{"cells": [{'}, "slow": {NAME: text(slow)},
            "nothing": {"report.pdf": b"%PDF-1.4"}, "deeper": {f"repository/work/{NAME}": text(short(desk.untouched()))}}


def lay(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files of an upload."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
