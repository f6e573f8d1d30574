"""Runs notebooks on a dask.distributed cluster, as `runner` does on this machine.

A worker is sent a notebook, its chapter, its seed and the limits, and answers with the run, in JSON. It opens no
gradebook and writes nothing: all that comes back is recorded here. A worker that dies loses nothing, since the
scheduler gives its submissions to others.
"""
from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import json
import platform
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from . import runner
from .course import CourseError
from .runner import NO_MORE, Job, Limits, Run

if TYPE_CHECKING:
    from distributed import Client, Future

AHEAD = 2      # jobs sent for each thread of a worker: one that runs, and the next, so that none waits for the network
ANSWER = 10    # seconds for a scheduler to answer
PATIENCE = 60  # seconds with no worker at all
OURS = ("autograde", "clipkit", "solutions")


def run_all(jobs: Iterable[Job], *, address: str, limits: Limits = Limits()) -> Iterator[tuple[Job, Run]]:
    """The same as `rounds`, one by one."""
    for ended in rounds(jobs, address=address, limits=limits):
        yield from ended


def rounds(jobs: Iterable[Job | None], *, address: str, limits: Limits = Limits()) -> Iterator[list[tuple[Job, Run]]]:
    """Run jobs on the cluster at `address`, as `runner.rounds` does here. Jobs are taken when a worker has room.

    Raises:
        CourseError: there is no cluster, it has no workers, or one of them cannot grade; the message says which.
    """
    with _connected(address) as client:
        waiting = iter(jobs)
        sent: dict[Any, Job] = {}
        while True:
            room = max(1, AHEAD * sum(client.nthreads().values()))
            while len(sent) < room and (job := next(waiting, NO_MORE)) is not NO_MORE:
                if job is None:
                    yield []
                else:
                    sent[_send(client, job, limits)] = job
            if not sent:
                return
            yield [(sent.pop(future), _run_of(future)) for future in _ended(client, list(sent))]


def run_there(notebook: str, chapter: str, seed: str, weights: bytes, held_back: str, untouched: list[int],
              limits: dict[str, Any], expected: dict[str, str]) -> str:
    """What a worker does: run a notebook (its JSON) and return the run as JSON.

    Raises:
        CourseError: the worker has other versions than the grader.
    """
    if differ := _differences(expected, versions()):
        raise CourseError(differ)
    job = Job(None, nbformat.from_dict(json.loads(notebook)), chapter, seed, weights, held_back, frozenset(untouched))
    (_, done), = runner.run_all([job], limits=Limits(**limits))
    return json.dumps(dataclasses.asdict(done))


@cache
def versions() -> dict[str, str]:
    """What must be the same wherever submissions of one course are graded."""
    digest = hashlib.sha256()
    for package in OURS:
        spec = importlib.util.find_spec(package)
        assert spec and spec.origin, f"{package} is not installed"
        folder = Path(spec.origin).parent
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{package}/{path.relative_to(folder)}".encode() + path.read_bytes())
    installed = {name: importlib.metadata.version(name) for name in ("torch", "distributed")}
    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python} | installed | {"this course's code": digest.hexdigest()[:12]}


def _connected(address: str) -> Client:
    """A client whose cluster can grade."""
    try:
        from distributed import Client
    except ImportError:
        raise CourseError("--dask needs the package distributed; run `pip install distributed`") from None
    try:
        client = Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CourseError(f"no Dask scheduler answers at {address} ({error}); start one with `dask scheduler`, and "
                          "give the address that it prints, like tcp://HOST:8786") from None
    try:
        _must_have_workers(client, address)
        return client
    except BaseException:
        client.close()
        raise


def _must_have_workers(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise CourseError(f"the Dask scheduler at {address} has no worker; start some with `dask worker {address} "
                          "--nworkers auto --nthreads 1`, in an environment with this course installed") from None
    ours = versions()
    for worker, found in _versions_of_workers(client).items():
        if isinstance(found, Exception):
            raise CourseError(f"the Dask worker {worker} cannot grade: {found}. Is this course installed there?")
        if differ := _differences(ours, found):
            raise CourseError(f"the Dask worker {worker} cannot grade: {differ}")


def _versions_of_workers(client: Client) -> dict[str, dict[str, str] | Exception]:
    """By worker what it has, or the error with which it failed; asked again while one of them is just leaving."""
    until = time.monotonic() + PATIENCE
    while True:
        found = client.run(versions, on_error="return")
        if not any(isinstance(had, OSError) for had in found.values()) or time.monotonic() > until:  # its connection closed
            return found
        time.sleep(0.5)


def _differences(ours: dict[str, str], theirs: dict[str, str]) -> str:
    differ = [f"{what} is {theirs.get(what)} there and {version} here" for what, version in ours.items()
              if theirs.get(what) != version]
    return "; ".join(differ) and "; ".join(differ) + ". Install the same versions on both sides"


def _send(client: Client, job: Job, limits: Limits) -> Future:
    notebook = json.dumps(runner.code_alone(job.notebook))
    return client.submit(run_there, notebook, job.chapter, job.seed, job.weights, job.held_back, sorted(job.untouched),
                         dataclasses.asdict(limits), versions(), pure=False)


def _ended(client: Client, sent: list[Future]) -> Iterable[Future]:
    from distributed import wait

    while True:
        try:
            with client.as_current():
                return wait(sent, timeout=PATIENCE, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            if not client.nthreads():
                raise CourseError(f"for {PATIENCE} seconds the cluster has had no worker; what is recorded stays, and "
                                  "the same command goes on from there") from None


def _run_of(future: Future) -> Run:
    from distributed import KilledWorker

    try:
        return run_of(future.result())
    except KilledWorker:
        return Run("crashed", "Every Dask worker that the notebook was sent to died.")
    except Exception as error:
        raise CourseError(f"the Dask cluster failed: {str(error) or type(error).__name__}; what is recorded stays, and "
                          "the same command goes on from there") from error


def run_of(text: str) -> Run:
    """The run that `run_there` has sent."""
    done = json.loads(text)
    for by_cell in ("outputs", "point_cells"):  # JSON knows no numbers as keys
        done[by_cell] = {int(index): value for index, value in done[by_cell].items()}
    return Run(**done)
