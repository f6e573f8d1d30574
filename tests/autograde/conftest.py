import json

import pytest

from tests.autograde.desk import Desk


@pytest.fixture(scope="session")
def desk():
    return Desk()


@pytest.fixture
def hand_in(tmp_path):
    """hand_in("ann", notebook): puts a notebook, or bytes, into tmp_path/submitted."""
    def put(student, notebook, *, name="02_gan_losses.ipynb", chapter="02_gan_losses", root=tmp_path):
        folder = root / "submitted" / student / chapter
        folder.mkdir(parents=True, exist_ok=True)
        content = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
        (folder / name).write_bytes(content)
        return folder / name
    return put
