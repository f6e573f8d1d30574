"""One submission's misdeeds: each ends in a state of its own, and none in that of a neighbour."""
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from autograde.grading.runner import Job, Limits, rounds, run, run_all
from autograde.grading.sandbox import started, walls
from tests.slowdown import slowdown

LIMITS = Limits(cell=10, notebook=60)


def notebook(*sources):
    """Cells with these sources; a source that is the name of an exercise is its points cell."""
    cells = [nbformat.v4.new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    for cell in cells:
        if cell.source == "generator_loss":
            cell.metadata["nbgrader"] = {"grade": True, "solution": False, "grade_id": "generator_loss-points"}
    return nbformat.v4.new_notebook(cells=cells)


def test_cells_are_run_and_exercises_asked_where_their_points_stand():
    answer = "import torch.nn.functional as F\ndef generator_loss(s):\n    print('noise')\n    return F.softplus(-s).mean()"
    ran = run(notebook(answer, "generator_loss", "generator_loss = None", "1 + 1"), "gan_losses", limits=LIMITS)
    assert (ran.status, ran.said, list(ran.results)) == ("graded", "", ["gan_losses.generator_loss"])
    assert [r["points"] for r in ran.results["gan_losses.generator_loss"]] == [2, 1]
    assert ran.point_cells == {1: "gan_losses.generator_loss"}
    assert ran.outputs[3][0]["data"]["text/plain"] == "2"
    json.dumps(ran.results)


def test_a_missing_name_fails_its_checks():
    ran = run(notebook("x = 1", "generator_loss"), "gan_losses", limits=LIMITS)
    assert all("There is no `generator_loss`" in r["hint"] for r in ran.results["gan_losses.generator_loss"])


@pytest.mark.parametrize("body, words", [("while True: pass", "TimeoutError"), ("raise SystemExit(3)", "SystemExit"),
                                         ("raise KeyboardInterrupt", "KeyboardInterrupt"), ("1 / 0", "ZeroDivisionError")])
def test_what_an_answer_does_when_it_is_called_fails_its_own_checks(body, words):
    ran = run(notebook(f"def generator_loss(s):\n    {body}", "generator_loss", "'still here'"), "gan_losses",
              limits=Limits(cell=0.5 * slowdown(), notebook=60))
    assert ran.status == "graded" and len(ran.outputs) == 2
    assert any(words in r["hint"] for r in ran.results["gan_losses.generator_loss"])
    assert not any(r["passed"] for r in ran.results["gan_losses.generator_loss"])


ENDS = {
    "exit": ("import os; os._exit(3)", "crashed", "exit code 3"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "crashed", "SIGSEGV"),
    "abort": ("import os; os.abort()", "crashed", "SIG"),
    "hang": ("import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\nwhile True: pass", "timed_out",
             "could not be interrupted"),
    "close every file": ("import os; os.closerange(3, 100)\nprint(1)", "crashed", "ended the process"),
    "garbage on the wire": ("import os; os.write(3, b'x' * 100)", "crashed", "too large"),
    "a forged answer": ("import json, os, struct\ntext = json.dumps({'outputs': [], 'id': '0' * 16}).encode()\n"
                        "os.write(3, struct.pack('!II', len(text), 0) + text)", "crashed", "belongs to no question"),
    "memory of others": ("import os\nfor _ in range(4):\n    if os.fork() == 0:\n        x = bytearray(1_500_000_000)\n"
                         "        x[::4096] = x[::4096]\n        os.kill(os.getpid(), 19)\n        __import__('time').sleep(60)\n"
                         "__import__('time').sleep(60)", "crashed", "4 GB of memory"),
}
LIVES = {
    "kill": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", None),  # the first of its namespace cannot
    "kill the group": ("import os, signal; os.killpg(0, signal.SIGKILL)", None),
    "kill everyone": ("import os, signal; os.kill(-1, signal.SIGKILL)", "ProcessLookupError"),
    "stop itself": ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", None),
    "memory": ("x = bytearray(50_000_000_000)", "MemoryError"),
    "torch memory": ("import torch; torch.zeros(20_000_000_000)", "RuntimeError"),
    "flood": ("print('x' * 50_000_000)", None),
    "surrogate": (r"print('\ud800'); '\ud800'", None),
    "input": ("input()", "EOFError"),
    "threads": ("import torch; torch.set_num_threads(8); torch.set_num_interop_threads(4)", None),
    "workers": ("from torch.utils.data import DataLoader\nloader = DataLoader([1.0, 2.0], num_workers=1, "
                "persistent_workers=True)\nassert len(list(loader)) == 2", None),
    "new process": ("import subprocess; subprocess.run(['true'], check=True)", "FileNotFoundError"),
    "fork": ("import os\npid = os.fork()\nif pid == 0: os._exit(7)\nassert os.waitpid(pid, 0)[1] == 7 << 8", None),
    "writes to descriptors": ("import os; os.write(1, b'x'); os.write(2, b'x')", None),
    "writes here": ("open('mine.txt', 'w').write('x'); assert open('mine.txt').read() == 'x'", None),
    "picture": ("import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show(); plt.savefig('mine.png')", None),
    "video": ("import clipkit; from pathlib import Path\nclip = clipkit.Walkers(num_frames=4)[0][0]\n"
              "assert clipkit.read_video(clipkit.write_video(clip, 'mine.mp4')).shape == clip.shape", None),
    "digits": ("import sklearn.datasets; assert sklearn.datasets.load_digits().images.shape == (1797, 8, 8)", None),
    "training": ("import torch\nnet = torch.nn.Sequential(torch.nn.Conv3d(3, 4, 3), torch.nn.BatchNorm3d(4), torch.nn.Flatten(), "
                 "torch.nn.LazyLinear(1))\nloss = net(torch.randn(2, 3, 4, 8, 8)).square().mean()\nloss.backward()\n"
                 "torch.optim.Adam(net.parameters()).step()", None),
    "preset": ("import clipkit; assert clipkit.preset('cpu') == 'smoke'", None),
    "descriptors": ("import os\ndef is_open(i):\n    try: os.fstat(i); return True\n    except OSError: return False\n"
                    "assert [i for i in range(200) if is_open(i)] == [0, 1, 2, 3]", None),
    "environment": ("import os; assert not {'PATH', 'CANARY', 'USER'} & set(os.environ), os.environ", None),
    "answers": ("import gc, sys\nassert not [m for m in sys.modules if m.startswith(('solutions', 'autograde.checks'))]\n"
                "assert not [o for o in gc.get_objects() if getattr(o, '__module__', '') == 'solutions.gan_losses']", None),
    "tmp": ("import os, tempfile; assert tempfile.gettempdir() == os.getcwd() == os.environ['TMPDIR']\n"
            "assert set(os.listdir()) <= {'matplotlib'}", None),
}


def test_every_submission_ends_in_a_state_of_its_own(capfd, monkeypatch):
    monkeypatch.setenv("CANARY", "a secret of the grader's environment")
    limits = Limits(cell=50, notebook=120)
    answer = "def generator_loss(s):\n    return (1 + (-s).exp()).log().mean()"
    cells = {name: source for name, (source, *_) in {**ENDS, **LIVES}.items()}
    jobs = [Job(name, notebook(answer, "generator_loss", source, "'after'"), "gan_losses") for name, source in cells.items()]
    here = os.getcwd()
    hang, *others = sorted(jobs, key=lambda job: job.key != "hang")
    ran = {job.key: result for job, result in itertools.chain(
        run_all([hang], limits=Limits(cell=0.5 * slowdown(), notebook=60)), run_all(others, at_once=3, limits=limits))}
    assert ran.keys() == ENDS.keys() | LIVES.keys()
    for name, (_, status, words) in ENDS.items():
        assert ran[name].status == status and words in ran[name].said, (name, ran[name].said)
        assert ran[name].results["gan_losses.generator_loss"][0]["points"] == 2, "what was checked before counts"
    for name, (_, error) in LIVES.items():
        assert ran[name].status == "graded", (name, ran[name].said)
        errors = [o["ename"] for o in ran[name].outputs[2] if o["output_type"] == "error"]
        assert errors == ([error] if error else []), (name, ran[name].outputs[2])
        assert ran[name].outputs[3][0]["data"]["text/plain"] == "'after'"
    assert os.getcwd() == here and not os.path.exists("mine.txt")
    assert capfd.readouterr() == ("", "")


def test_a_result_does_not_depend_on_which_came_before():
    """Each leaves all that it can behind it: seeds, threads, defaults, files, a backend, a patched torch."""
    spoils = ("import os, random, sys, tempfile, torch, numpy as np, matplotlib\nrandom.seed(); np.random.seed(); torch.seed()\n"
              "torch.set_default_dtype(torch.float64); matplotlib.use('svg'); open('left', 'w'); os.environ['LEFT'] = '1'\n"
              "torch.softmax = None; sys.setrecursionlimit(50); os.chdir('/'); tempfile.tempdir = '/'; torch.set_num_threads(7)")
    asks = ("import os, random, sys, tempfile, torch, numpy as np, matplotlib\n"
            "[random.random(), np.random.rand(), torch.rand(1).item(), matplotlib.get_backend().lower(), os.listdir(), "
            "'LEFT' in os.environ, torch.softmax is None, sys.getrecursionlimit(), os.getcwd(), torch.get_num_threads()]")
    seen = {repr(result.outputs[0]) for order in ((spoils, asks), (asks, spoils))
            for job, result in run_all([Job(s, notebook(s), "gan_losses") for s in order], limits=LIMITS) if job.key == asks}
    assert len(seen) == 1 and "'agg', []" in seen.pop()


def test_the_sentence_names_the_cell():
    ran = run(notebook("x = 1", "import os; os._exit(1)"), "gan_losses", limits=LIMITS)
    assert ran.said == "The notebook ended the process it ran in (exit code 1), in a cell of the student's own."


def processes(marker):
    """Pids of a warm process, which `marker` is the command line of, and of all its forks; not those of another process of
    tests, whose command may be the same."""
    ours = {1, os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}  # 1 takes in orphans
    found = set()
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            first = pid
            if is_of(first, marker):
                while is_of(above := psutil.Process(first).ppid(), marker):
                    first = above
                found |= {pid} if above in ours else set()
        except (OSError, psutil.Error):
            continue
    return found


def is_of(pid, marker):
    return marker in Path(f"/proc/{pid}/cmdline").read_bytes()


def settled(marker, expected):
    """Waits until just `expected` is left: a judge that lost its grader needs a moment to see it."""
    for _ in range(600):
        if processes(marker) == expected:
            return expected
        time.sleep(0.05)
    return processes(marker)


def warm_command():
    run(notebook("1"), "gan_losses", limits=LIMITS)  # the warm process is there
    warm = started._started[os.getpid()]
    return b"\0".join(map(str.encode, warm._process.args)), warm


def test_nothing_is_left_behind():
    command, _ = warm_command()
    before, mounts = settled(command, processes(command)), Path("/proc/self/mounts").read_text()
    daemon = ("import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(600)\n"
              "    os._exit(0)\nopen('/tmp/left-by-a-submission', 'w')")
    ran = run(notebook(daemon), "gan_losses", limits=LIMITS)
    assert ran.status == "graded" and not any(o["output_type"] == "error" for o in ran.outputs[0])
    assert settled(command, before) == before and len(before) == 2  # the warm process, and that of the judges
    assert Path("/proc/self/mounts").read_text() == mounts
    assert "left-by-a-submission" not in os.listdir("/tmp")


def test_who_stops_early_leaves_no_process():
    command, _ = warm_command()
    before = settled(command, processes(command))
    jobs = (Job(i, notebook("import time; time.sleep(60)" if i else "1"), "gan_losses") for i in range(100))
    results = run_all(jobs, at_once=2, limits=Limits(cell=100, notebook=100))
    assert next(results)[0].key == 0
    results.close()
    assert settled(command, before) == before


GRADER = """
import sys
from autograde.grading import runner
from autograde.grading.sandbox import started
from tests.autograde.grading.test_runner import notebook
for _, ran in runner.run_all([runner.Job(i, notebook("import time; print(1)" + "; time.sleep(600)" * i), "gan_losses")
                              for i in range(2)]):
    print("\\0".join(next(iter(started._started.values()))._process.args), flush=True)
"""


def test_a_killed_grader_takes_everything_with_it():
    grader = subprocess.Popen([sys.executable, "-c", GRADER], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    command = grader.stdout.readline().strip()
    while len(processes(command)) < 5:  # warm, judges, and of the second job a judge, a watcher, a sandbox
        assert grader.poll() is None
        time.sleep(0.05)
    grader.kill()
    grader.wait()
    assert settled(command, set()) == set()


def test_a_machine_that_lacks_a_layer_is_refused(monkeypatch):
    _, warm = warm_command()
    monkeypatch.setattr(warm, "missing", {"memory": "Operation not permitted"})
    with pytest.raises(started.SandboxError, match=r"lacks: memory \(Operation not permitted\).*--sandbox=weak"):
        run(notebook("1"), "gan_losses", limits=LIMITS)
    assert run(notebook("1"), "gan_losses", limits=Limits(sandbox="weak")).status == "graded"
    monkeypatch.setattr(warm, "missing", {"Landlock": "Function not implemented"})
    assert run(notebook("1"), "gan_losses", limits=LIMITS).status == "graded", "a second lock may be missing"


def test_each_level_is_graded_on_where_it_is_asked_for():
    container, nothing = dict.fromkeys(walls.NAMESPACES, "Operation not permitted"), {"system calls": "no libseccomp"}
    assert not any(started.refusal(missing, asked) for missing, asked in (
        ({}, "strong"), (container, "contained"), ({}, "contained"), (container, "weak"), (nothing, "weak")))
    assert "is contained: it lacks" in started.refusal(container, "strong") and "--sandbox=contained" in started.refusal(container, "strong")
    for asked in ("strong", "contained"):
        assert "lacks: system calls (no libseccomp)" in started.refusal(nothing, asked)


@pytest.mark.parametrize("asked", walls.LEVELS)
def test_a_machine_on_which_right_answers_would_fail_is_refused_at_every_level(asked):
    said = started.refusal({"packages": "av is not installed"}, asked)
    assert "could not run here as they should: av is not installed" in said and "autograde doctor" in said


IN_A_CONTAINER = """
import json
from autograde.grading.runner import Limits, run
from autograde.grading.sandbox.started import SandboxError
from tests.autograde.grading.test_runner import notebook
try:
    run(notebook("1"), "gan_losses")
except SandboxError as error:
    print(error)
daemon = "import os\\nif os.fork() == 0:\\n    os.setsid()\\n    if os.fork() == 0:\\n        __import__('time').sleep(600)\\n    os._exit(0)"
tried = "print('tried')\\nopen('mine', 'w').write('x'); print(os.getcwd()); import av, clipkit, torchvision.models"
for cells in ((daemon, tried, "import socket; socket.socket()"), ("import os; print(os.getcwd())", FLOOD)):
    ran = run(notebook(*cells), "gan_losses", limits=Limits(sandbox="LEVEL"))
    print(json.dumps([ran.status, ran.said, list(ran.outputs.values())]))
"""
FLOOD = "import time\nwhile True:\n    open(str(time.time()), 'wb').write(bytes(50_000_000))"


def in_a_container(level):
    """What the grader says there when it is not asked for less than "strong", and two runs: status, sentence, outputs."""
    code = IN_A_CONTAINER.replace("LEVEL", level).replace("FLOOD", repr(FLOOD))
    done = subprocess.run([sys.executable, "-m", "tests.container", "docker", sys.executable, "-c", code], capture_output=True, text=True,
                          check=True, cwd=Path(__file__).parents[3])
    refused, *ran = done.stdout.strip().splitlines()
    return refused, *map(json.loads, ran)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary container runs as root; nobody else can be made one for a test")
def test_in_an_ordinary_container_it_is_contained():
    refused, (status, _, outputs), flooded = in_a_container("contained")
    assert "is contained: it lacks" in refused and "files" in refused and "processes" in refused
    assert (status, outputs[0]) == ("graded", []) and outputs[2][0]["ename"] == "PermissionError"
    text = outputs[1][0]["text"].split()
    assert text[0] == "tried" and len(outputs[1]) == 1, outputs[1]
    assert flooded[0] == "crashed" and "wrote more than 537 MB or 20,000 files and was stopped" in flooded[1]
    for folder in (text[1], flooded[2][0][0]["text"].strip()):
        assert "submission-" in folder and not os.path.exists(folder), "its folder is removed"
        assert not [pid for pid in filter(str.isdigit, os.listdir("/proc")) if _works_in(pid, folder)], "its daemon is dead"


def _works_in(pid, folder):
    try:
        return os.readlink(f"/proc/{pid}/cwd").startswith(folder)
    except OSError:
        return False


def test_a_killed_warm_process_is_started_anew():
    """Also where only the process of the judges was killed."""
    command, warm = warm_command()
    before = settled(command, processes(command))
    judges = before - {warm._process.pid}
    os.kill(judges.pop(), signal.SIGKILL)
    assert run(notebook("1"), "gan_losses", limits=LIMITS).status in ("graded", "crashed", "broken")
    assert run(notebook("1"), "gan_losses", limits=LIMITS).status == "graded"
    assert started._started[os.getpid()] is not warm and not settled(command, processes(command)) & before


def test_no_job_is_answered_at_once_and_ends_nothing():
    assert list(rounds([None, None], at_once=1)) == [[], []]
    done = list(rounds([None, Job("a", notebook("1"), "gan_losses"), None], at_once=2, limits=LIMITS))
    assert done[:2] == [[], []] and [[job.key for job, _ in ended] for ended in done[2:]] == [["a"]]
