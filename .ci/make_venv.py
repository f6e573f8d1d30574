"""Make .venv with a Python that has no ensurepip, as Debian's and Ubuntu's has not.

pip's own wheel comes from PyPI and installs itself.
"""
import json
import subprocess
import tempfile
import venv
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import urlopen

NEWEST = "https://pypi.org/pypi/pip/json"

venv.create(".venv", symlinks=True)
with urlopen(NEWEST, timeout=60) as answer:
    wheel = next(file for file in json.load(answer)["urls"] if file["filename"].endswith(".whl"))
with tempfile.TemporaryDirectory() as folder, urlopen(urljoin(NEWEST, wheel["url"]), timeout=60) as answer:
    pip = Path(folder) / wheel["filename"]
    pip.write_bytes(answer.read())
    subprocess.run([".venv/bin/python", pip / "pip", "install", "-q", "--no-index", pip], check=True)
