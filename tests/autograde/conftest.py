"""The course that submissions of the tests are graded in, and ways to hand them in."""
import json

import pytest
from filelock import FileLock

from autograde import checks
from autograde.grading.gradebook import Gradebook
from solutions.challenge import challenge_clips, save_entry, train_entry
from solutions.leaderboard.judge import HeldBack, packed, public
from solutions.measures.clip_features import load_features
from tests.autograde import postgresql as servers
from tests.autograde.desk import Desk


@pytest.fixture(scope="session")
def desk():
    return Desk()


@pytest.fixture(scope="session")
def gradebook_file(desk, tmp_path_factory):
    """A gradebook that knows the chapter, as bytes: making one takes seconds. It is made in an environment that is not
    activated: nbgrader runs `alembic`, which is then not on the path."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "/usr/bin")
        Gradebook(f"sqlite:///{path}").prepare(desk.chapter)
    return path.read_bytes()


@pytest.fixture(scope="session")
def postgresql(desk):
    """A PostgreSQL server of the tests' own; it gives URLs of new gradebooks that know the chapter."""
    if reason := servers.missing():
        pytest.skip(reason)
    with servers.Server() as server:
        Gradebook(server.url("prepared")).prepare(desk.chapter)
        yield server


@pytest.fixture(scope="session")
def entry_file(shared):
    """What a student hands in beside the notebook of the challenge: its entry, trained for ten seconds, once for all processes."""
    path = shared / "entry" / "entry.safetensors"
    with FileLock(shared / "entry.lock"):
        if not path.exists():
            path.parent.mkdir()
            save_entry(train_entry(challenge_clips(), 600), path)
    return path


@pytest.fixture(scope="session")
def held_back():
    """What the challenge's judge knows in one course, with the network that is published: training one takes a minute."""
    network = load_features()
    return str(HeldBack("a secret of the tests", packed(network),
                        {name: head.out_features for name, head in network.heads.items()}, public().standing))


@pytest.fixture(autouse=True)
def beside_the_entry(request, monkeypatch):
    """The tests of the challenge run where its answers find their weights, and its judge knows them."""
    if any(name in request.node.nodeid for name in ("make_clips", "every_answer[challenge]")):
        entry = request.getfixturevalue("entry_file")
        monkeypatch.chdir(entry.parent)
        checks.take_held_back("challenge", "", entry.read_bytes())  # all draw the same noise, in a sandbox or not


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
