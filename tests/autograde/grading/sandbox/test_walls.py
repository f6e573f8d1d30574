"""Each layer, by what is tried inside and fails; as root, and as a user with no rights at all."""
import gc
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from autograde.grading.sandbox import walls

ROOT = Path(__file__).resolve().parents[4]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox's layers are Linux's")

ATTEMPTS = {  # name: (code, what comes of it: an error's name, or what `answer` is)
    "network": ("socket.socket()", "EPERM"),
    "netlink": ("socket.socket(16, 3)", "EPERM"),
    "a pair that is no local one": ("socket.socketpair(socket.AF_INET)", "EPERM"),
    "a local pair": ("answer = len(socket.socketpair())", 2),
    "an answer": (f"open({str(ROOT / 'solutions' / 'gan_losses.py')!r})", "ENOENT"),
    "a check": (f"open({str(ROOT / 'autograde' / 'checks' / 'gan_losses.py')!r})", "ENOENT"),
    "a package that is hidden": ("answer = os.listdir(HIDDEN)", []),
    "this test": (f"open({str(Path(__file__))!r})", "ENOENT"),
    "clipkit": (f"answer = 'clip' in open({str(ROOT / 'clipkit' / '__init__.py')!r}).read()", True),
    "users": ("open('/etc/passwd')", "ENOENT"),
    "processes of others": ("os.listdir('/proc')", "ENOENT"),
    "a signal to the outside": ("os.kill(OUTSIDE, 0)", "ESRCH"),
    "a signal to everyone": ("os.kill(-1, 9)", "ESRCH"),
    "write to Python": ("open(os.__file__, 'a')", "EACCES EROFS"),
    "write to the root": ("open('/x', 'w')", "EACCES EROFS"),
    "write to work": ("open('WORK/x', 'w').write('x'); answer = open('WORK/x').read()", "x"),
    "a shared memory": ("open('/dev/shm/y', 'w'); answer = 'y' in os.listdir('/tmp')", True),
    "a large file": ("f = open('WORK/large', 'wb', 0)\nfor _ in range(300): f.write(bytes(1 << 20))", "EFBIG"),
    "a full disk": ("for i in range(9):\n with open(f'WORK/{i}', 'wb', 0) as f:\n  for _ in range(150): f.write(bytes(1 << 20))",
                    "ENOSPC"),
    "many files": ("for i in range(30000): open(f'WORK/many{i}', 'w').close()", "ENOSPC"),
    "many open files": ("all_of_them = [open('/dev/null') for _ in range(1000)]", "EMFILE"),
    "many processes": ("for _ in range(1000):\n  if os.fork() == 0: time.sleep(2); os._exit(0)", "EAGAIN"),
    "much memory": ("bytearray(6_000_000_000)", "MemoryError"),
    "another user": ("os.setuid(0)", "EPERM EINVAL"),
    "more than allowed": ("resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))", "ValueError"),
    "new namespaces": ("call('unshare', 0x10000000)", "EPERM"),
    "a clone with namespaces": ("call('syscall', 56 if os.uname().machine == 'x86_64' else 220, 0x10000000 | 17, 0, 0, 0, 0)",
                                "EPERM"),
    "clone3": ("call('syscall', 435, 0, 0)", "ENOSYS"),
    "mount": ("call('mount', b'tmpfs', b'/tmp', b'tmpfs', 0, None)", "EPERM"),
    "another root": ("os.chroot('/tmp')", "EPERM"),
    "ptrace": ("call('ptrace', 0, 0, 0, 0)", "EPERM"),
    "outlive the watcher": ("call('prctl', 1, 0, 0, 0, 0)", "EPERM"),
    "be dumpable": ("call('prctl', 4, 1, 0, 0, 0)", "EPERM"),
    "io_uring": ("call('syscall', 425, 1, 0)", "EPERM"),
    "bpf": ("call('syscall', 321 if os.uname().machine == 'x86_64' else 280, 0, 0, 0)", "EPERM"),
    "memory in no folder": ("os.memfd_create('x')", "EPERM"),
    "System V memory": ("call('shmget', 0, 4096, 0o1777)", "EPERM"),
}

IN_A_CONTAINER = ATTEMPTS | {  # where it sees that there are files, and may not open them
    "an answer": (ATTEMPTS["an answer"][0], "EACCES"),
    "a check": (ATTEMPTS["a check"][0], "EACCES"),
    "a package that is hidden": ("open(HIDDEN + '/__init__.py')", "EACCES"),
    "its neighbour": ("answer = 'client' in open(os.path.dirname(HIDDEN) + '/nbclient/__init__.py').read()", True),
    "a list of the course": (f"os.listdir({str(ROOT)!r})", "EACCES"),
    "this test": (ATTEMPTS["this test"][0], "EACCES"),
    "users": (ATTEMPTS["users"][0], "EACCES"),
    "processes of others": (ATTEMPTS["processes of others"][0], "EACCES"),
    "what others were started with": ("open(f'/proc/{OUTSIDE}/environ')", "EACCES"),
    "a signal to the outside": (ATTEMPTS["a signal to the outside"][0], "EPERM"),
    "a signal to everyone": (ATTEMPTS["a signal to everyone"][0], None),  # the kernel leaves out who may not be asked
    "limits of others": ("resource.prlimit(OUTSIDE, resource.RLIMIT_NOFILE, (1, 1))", "EPERM PermissionError"),
    "a shared memory": ("open('/dev/shm/y', 'w')", "EACCES"),
    "another program": ("os.execv('/bin/true', ['true'])", "EACCES"),
}
for held_outside in ("a full disk", "many files"):  # by who watches
    del IN_A_CONTAINER[held_outside]

INSIDE = """
import ctypes, errno, importlib.util, json, os, resource, socket, sys, time
from autograde.grading.sandbox import root, walls
root.HIDDEN += ("nbformat",)  # as ours are where they were installed among the others
HIDDEN = os.path.dirname(importlib.util.find_spec("nbformat").origin)
OUTSIDE, libc = os.getppid(), ctypes.CDLL(None, use_errno=True)

def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def attempts():
    missing = walls.within(inner, 60, os.getpid(), folder, alone=True)
    found = {}
    for name, code in TRIED.items():
        space = globals() | {"answer": None}
        try:
            exec(code.replace("WORK/", f"{folder}/"), space)
            found[name] = space["answer"]
        except OSError as error:
            found[name] = errno.errorcode[error.errno]
        except Exception as error:
            found[name] = type(error).__name__
    return {"missing": missing, "found": found}

proc, filter_calls = walls.open_proc(), walls.call_filter()
TRIED = json.load(sys.stdin)

def in_two_forks():
    global inner, folder
    missing, inner = walls.settle(walls.around_all(), proc, filter_calls)
    missing |= walls.around_one(proc)
    folder = walls.folder_of_one(missing)
    told = walls._told(attempts)
    walls.remove(folder)
    return told | {"missing": missing | told["missing"]}

print(json.dumps(walls._told(in_two_forks)))
"""


def as_(who):
    """How Python is started as somebody else, which only root can."""
    return [sys.executable, "-m", "tests.container", who, sys.executable]


WAYS = [[sys.executable], as_("nobody")] if os.geteuid() == 0 else [[sys.executable]]


@pytest.mark.parametrize("python", WAYS, ids=["as we are", "as nobody"][:len(WAYS)])
def test_what_is_tried_inside_fails(python):
    told = told_inside(ATTEMPTS, python)
    assert told["missing"] == {}, "every layer holds on a machine that runs these tests"
    assert_found(told["found"], ATTEMPTS)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary container runs as root; nobody else can be made one for a test")
def test_what_is_tried_inside_fails_in_an_ordinary_container_too():
    told = told_inside(IN_A_CONTAINER, as_("docker"))
    assert told["missing"].keys() == walls.NAMESPACES
    assert_found(told["found"], IN_A_CONTAINER)


def told_inside(attempts, python):
    environment = {"PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")]), "PATH": os.environ["PATH"]}
    tried = json.dumps({name: code for name, (code, _) in attempts.items()})
    done = subprocess.run([*python, "-c", INSIDE], input=tried, capture_output=True, text=True, cwd="/", env=environment,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_found(found, attempts):
    for name, (_, expected) in attempts.items():
        is_error = isinstance(expected, str) and (expected.isupper() or "Error" in expected)
        assert found[name] in expected.split() if is_error else found[name] == expected, (name, found[name])


def test_the_layers_are_tried_in_a_fork():
    before = os.listdir("/"), os.geteuid(), os.getcwd()
    assert walls.examine() == {}
    assert (os.listdir("/"), os.geteuid(), os.getcwd()) == before


def test_no_garbage_of_the_parent_is_cleared_in_the_fork(capfd):
    """A film's decoder, for one, waits for its threads when it goes, and a fork has none."""
    class Waits:
        def __init__(self, parent):
            self.parent, self.itself = parent, self

        def __del__(self):
            if os.getpid() != self.parent:
                os.write(2, b"cleared in the fork")

    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(100_000)  # so many new objects, and it looks for garbage
    try:
        Waits(os.getpid())
        assert walls._told(lambda: {"objects": str(len([[k] for k in range(200_000)]))}) == {"objects": "200000"}
    finally:
        gc.set_threshold(*before)
    assert "cleared in the fork" not in capfd.readouterr().err


def test_levels():
    assert walls.level({}) == "strong" and walls.level({"Landlock": "none"}) == "strong"
    container = dict.fromkeys(walls.NAMESPACES, "no")
    assert walls.level(container) == "contained" and walls.level(container | {"Landlock": "none"}) == "weak"
    for layer in ("another user", "limits", "system calls", "answers", "capabilities", "privileges", "memory", "user namespace"):
        assert walls.level(container | {layer: "no"}) == walls.level({layer: "no"}) == "weak"
