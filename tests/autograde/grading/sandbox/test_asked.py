"""The judge's side and the side within, joined by a socket in one process: honest work is as in one process, and a peer
that does not play by the rules is cut off."""
import contextlib
import socket
import threading
import time

import pytest
import torch

from autograde import checks
from autograde.checks import Subject
from autograde.grading.sandbox.asked import Asked, Ended
from autograde.grading.sandbox.served import Served
from autograde.grading.sandbox.wire import Gone, Wire
from autograde.grading.session import Session

CELLS = """
import torch
from torch import nn

def double(x): return 2 * x
def keywords(x, *, by=1): return x * by
def spoil(x):
    x.mul_(0)
    return x
def count(start):
    while True:
        yield start
        start += 1
def returns(x): return [x, (x, {"a": None}), "text"]
class Custom(Exception): pass
def custom(): raise Custom("my own")
def unwritten(): raise NotImplementedError
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.width, self.layer = width, nn.Linear(width, 1, bias=False)
    def forward(self, x): return self.layer(x)
    def sample(self, n): return self(torch.ones(n, self.width))
def step(network, x): return network(x).sum()
"""


@pytest.fixture
def sandbox(monkeypatch):
    """A sandbox without walls, in a thread; which has no signals, and so no limit of time."""
    for module in ("session", "sandbox.served"):
        monkeypatch.setattr(f"autograde.grading.{module}.time_limit", lambda seconds: contextlib.nullcontext())
    here, there = socket.socketpair()

    def serve():
        wire, served = Wire(there), Served(Session(5))
        try:
            while True:
                request, tensors = wire.receive()
                reply, results = served.answer(request, tensors)
                wire.send(reply | {"id": request["id"]}, results)
        except Gone:
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with here:
        asked = Asked(here, 5)
        asked.run(CELLS)
        yield asked
    thread.join()


def test_cells_run_there(sandbox):
    assert sandbox.run("print('x' * 3)\n1 + 1")[1]["data"] == {"text/plain": "2"}
    (error,) = sandbox.run("1 / 0")
    assert error["ename"] == "ZeroDivisionError" and "1 / 0" in "".join(error["traceback"])
    assert sandbox.subject("nothing") is None


@pytest.fixture(params=["plain", "sandbox"])
def work(request):
    """name -> subject, in this process and in a sandbox: what is asked below cannot tell them apart."""
    if request.param == "sandbox":
        return request.getfixturevalue("sandbox").subject
    session = Session(5)
    session.run(CELLS)
    return lambda name: Subject(*session.look(name))


def test_functions_are_called_with_tensors_and_plain_data(work):
    x = torch.randn(3)
    assert torch.equal(work("double")(x), 2 * x) and work("double")("ab") == "abab" and work("keywords")(3, by=4) == 12
    first, (second, rest), text = work("returns")(x)
    assert torch.equal(first, x) and torch.equal(second, x) and rest == {"a": None} and text == "text"


def test_what_a_call_does_to_its_inputs_stays_there(work):
    x = torch.ones(3)
    assert work("spoil")(x).sum() == 0 and x.sum() == 3


def test_a_module_is_built_called_read_and_set(work):
    net = work("Net")(2)
    assert isinstance(net, Subject) and net.kind == "Net"
    net.load({"layer.weight": torch.tensor([[3.0, 4.0]])})
    assert net(torch.ones(1, 2)).item() == 7 and net.method("sample", 2).tolist() == [[7.0], [7.0]]
    assert net.attribute("width") == 2 and net.weights()["layer.weight"].tolist() == [[3.0, 4.0]]
    assert work("step")(net, torch.ones(5, 2)).item() == 35, "a subject is handed on as what it stands for"


def trained(build, weight, x):
    net = build(2)
    with torch.no_grad():
        net.layer.weight.copy_(weight)
    loss = net(x).square().mean()
    loss.backward()
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    return {"weight": net.layer.weight.detach(), "gradient": net.layer.weight.grad}


def test_a_probe_computes_where_the_work_is(work):
    weight, x = torch.randn(1, 2), torch.randn(6, 2)
    found = work("Net").probe(trained, weight, x)
    gradient = 2 * (x @ weight.T * x).mean(0, keepdim=True)  # by hand
    torch.testing.assert_close(found["gradient"], gradient)
    torch.testing.assert_close(found["weight"], weight - 0.1 * gradient)


def test_a_generator_is_taken_from(work):
    stream = work("count")(5)
    assert stream.take(3) == [5, 6, 7] and stream.take(1) == [8]


def test_errors_keep_their_name_and_words(work):
    with pytest.raises(Exception, match="my own") as raised:
        work("custom")()
    assert type(raised.value).__name__ == "Custom"
    with pytest.raises(NotImplementedError):
        work("unwritten")()
    with pytest.raises(KeyError, match="'missing'"):
        work("returns").probe(looks_for_a_key)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        work("Net")(2).attribute("nothing")


def looks_for_a_key(thing):
    return {}["missing"]


def test_a_subject_is_equal_to_nothing_and_has_no_truth(work):
    net = work("Net")(2)
    assert net != net and not net == net and net not in [net, 1][1:]  # noqa: SIM201 - both operators
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(net)


ODD = {  # what a loss returns, and what is said
    "f.mean() * float('nan')": "NaN", "torch.tensor(float('inf'))": "NaN", "f.mean().to(torch.cfloat)": "Expected",
    "torch.eye(2).to_sparse()": "a sparse tensor", "torch.zeros(1).expand(10**10)": "Expected", "torch.empty(3, device='meta')": "Expected",
    "type('Liar', (), {'__eq__': lambda s, o: True, '__float__': lambda s: 0.0})()": "Expected a tensor, got Liar",
    "f.mean() > 0": "Expected real numbers", "None": "Expected a tensor, got NoneType", "'0.7'": "Expected a tensor, got str",
    "{'a': 1}": "Expected a tensor, got dict", "(x for x in f)": "Expected a tensor, got generator", "f": "Expected shape",
    "nn.Linear(1, 1)": "got Linear", "[[f], f]": "Expected", "10**100": "", "nn.functional.softplus(-f).mean().half() * 2": ", got 1.",
}


@pytest.mark.parametrize("returned", ODD)
def test_an_odd_result_is_answered_with_a_sentence(returned, sandbox):
    sandbox.run(f"import torch\nfrom torch import nn\ndef generator_loss(f): return {returned}")
    results = checks.run("gan_losses.generator_loss", sandbox.subject("generator_loss"))
    assert sum(r.points for r in results) == 0 and ODD[returned] in results[0].hint and len(results[0].hint) > 20
    assert not sandbox.ended


FINE = ["nn.functional.softplus(-f).mean().requires_grad_()", "nn.Parameter(nn.functional.softplus(-f).mean().detach())",
        "nn.functional.softplus(-f.double()).mean()"]


@pytest.mark.parametrize("returned", FINE)
def test_a_right_result_in_an_unusual_dress_counts(returned, sandbox):
    sandbox.run(f"import torch\nfrom torch import nn\ndef generator_loss(f): return {returned}")
    assert checks.run("gan_losses.generator_loss", sandbox.subject("generator_loss"))[0].passed


def stranger(reply):
    """A judge's side whose peer answers every request by `reply(request)`: a message and tensors, or bytes, or nothing."""
    here, there = socket.socketpair()

    def answer():
        wire = Wire(there)
        try:
            while True:
                request, _ = wire.receive()
                said = reply(request)
                if isinstance(said, bytes):
                    there.sendall(said)
                elif said is not None:
                    wire.send(said | {"id": said.get("id", request["id"])}, [])
        except Gone:
            there.close()

    threading.Thread(target=answer, daemon=True).start()
    return Asked(here, 0.2)


STRANGE = {
    "silence": (lambda request: None, "late"),
    "bytes": (lambda request: b"\xff" * 64, "garbled"),
    "another's answer": (lambda request: {"id": "0" * 16, "value": 1}, "garbled"),
    "an unknown form": (lambda request: {"value": {"tensor": 5}}, "garbled"),
    "an error of no form": (lambda request: {"error": 3}, "garbled"),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_stranger_is_cut_off_with_a_sentence(kind, monkeypatch):
    monkeypatch.setattr("autograde.grading.sandbox.asked.GRACE", 0.2)
    reply, ended = STRANGE[kind]
    sandbox = stranger(lambda request: {"value": {"kept": [0, "function"]}} if request["do"] == "look" else reply(request))
    results = checks.run("gan_losses.generator_loss", sandbox.subject("generator_loss"))
    assert sandbox.ended == ended and {r.hint for r in results} == {sandbox.said} and not any(r.passed for r in results)
    with pytest.raises(Ended):
        sandbox.run("1")


@pytest.mark.parametrize("outputs", [3, [3], [{"output_type": "display_data", "data": {"text/html": "<script>"}}],
                                     [{"output_type": "stream", "name": "stdout"}]], ids=str)
def test_outputs_of_no_known_form_end_it(outputs):
    sandbox = stranger(lambda request: {"outputs": outputs})
    with pytest.raises(Ended):
        sandbox.run("1")
    assert sandbox.ended == "garbled"


def test_outputs_are_made_anew_and_bounded():
    flood = {"output_type": "stream", "name": "stdin", "text": "x" * 100_000, "metadata": {"autograde": True}}
    sandbox = stranger(lambda request: {"outputs": [flood] * 10})
    outputs = sandbox.run("1")
    assert len(outputs) == 4 and outputs[0].keys() == {"output_type", "name", "text"} and len(outputs[0]["text"]) < 30_000


def test_an_exercise_has_its_time_in_all():
    sandbox = stranger(lambda request: {"value": {"kept": [0, "function"]}})
    subject = sandbox.subject("generator_loss")
    time.sleep(0.3)
    with pytest.raises(TimeoutError, match="stopped after 0.2 seconds"):
        subject(1)


def test_an_error_cannot_pose_as_something_else():
    """Names that our own code gives a meaning to have none when a submission says them."""
    sandbox = stranger(lambda request: {"value": {"kept": [0, "f"]}} if request["do"] == "look" else {
        "error": {"ename": "Wrong", "evalue": "<b>"}})
    results = checks.run("gan_losses.generator_loss", sandbox.subject("generator_loss"))
    assert all(r.hint.startswith("It raised Wrong: <b>") for r in results)
