"""What crosses arrives as it was; what does not keep to the rules is refused before it costs anything."""
import json
import math
import socket
import struct
import time

import numpy as np
import pytest
import torch
from torch import nn

from autograde.grading.sandbox import wire
from autograde.grading.sandbox.wire import Garbled, Gone, Late, Wire, pack, unpack


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def crossed(value):
    """What arrives of a value; in the place of what stays stands what it is."""
    tree, tensors = pack(value, lambda thing, what: {"kept": what})
    one, other = socket.socketpair()
    with one, other:
        Wire(one).send({"value": tree}, tensors, until=time.monotonic() + 5)
        message, tensors = Wire(other).receive(until=time.monotonic() + 5)
    return unpack(message["value"], tensors, lambda stayed: f"<{stayed['kept']}>")


PLAIN = [None, True, 0, -(2**62), 1.5, math.inf, "ü\n\ud800", [], [1, [2.0, "x"]], (1, (2,)), {"a": 1, 2: (3,), "tuple": [4]},
         {"kept": 1}]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_arrive_as_they_were(value):
    arrived = crossed(value)
    assert arrived == value and type(arrived) is type(value)


TENSORS = [torch.tensor(2.0), torch.zeros(0, 3), torch.randn(2, 3, dtype=torch.float64), torch.arange(5), torch.tensor([True]),
           torch.randn(4, 4).T, torch.randn(2).half(), torch.randn(2).bfloat16(), torch.tensor([math.nan, math.inf])]


@pytest.mark.parametrize("tensor", TENSORS, ids=lambda t: f"{t.dtype} {tuple(t.shape)}")
def test_tensors_arrive_as_they_were(tensor):
    (arrived, again), = [crossed([tensor, tensor])]
    assert arrived.dtype == tensor.dtype and torch.equal(arrived.nan_to_num(7), tensor.nan_to_num(7))
    assert not arrived.requires_grad and arrived.shape == again.shape == tensor.shape


def test_a_graph_stays_but_its_presence_is_told():
    arrived = crossed(torch.ones(2, requires_grad=True) * 2)
    assert arrived.requires_grad and arrived.grad_fn is None
    assert type(crossed(nn.Parameter(torch.ones(2)))) is torch.Tensor


def test_numpy_stays_numpy():
    assert isinstance(crossed(np.arange(3)), np.ndarray) and crossed(np.float32(2)) == 2 and crossed(np.float64(2)) == 2


STAYS = {
    "Linear": nn.Linear(2, 2), "generator": (x for x in ()), "object": object(), "set": {1}, "int": 10**30, "function": len and (
        lambda: 0), "a sparse tensor": torch.eye(2).to_sparse(), "a tensor of torch.complex64": torch.zeros(2).to(torch.cfloat),
    "a tensor without values": torch.empty(2, device="meta"),
    "a tensor of shape (10000000000,), too large to look at": torch.zeros(1).expand(10**10), "ndarray": np.array([object()]),
}


@pytest.mark.parametrize("what", STAYS)
def test_what_cannot_cross_stays_and_is_described(what):
    start = time.process_time()
    assert crossed([STAYS[what]]) == [f"<{what}>"]
    assert time.process_time() - start < 1, "nothing large is copied"


def test_many_tensors_are_bounded_in_sum():
    half = torch.zeros(wire.MAX_BYTES // 8)
    tree, tensors = pack([half, half, half], lambda thing, what: {"kept": what})
    assert tree[:2] == [{"tensor": 0}, {"tensor": 1}] and "too large" in tree[2]["kept"] and len(tensors) == 2


@pytest.mark.parametrize("value", [[0] * (wire.MAX_PARTS + 1), {}], ids=["wide", "deep"])
def test_what_is_nested_too_deep_or_wide_is_refused(value):
    for _ in range(100 if value == {} else 0):
        value = [value]
    with pytest.raises(ValueError, match="nested too deep, or has too many parts"):
        pack(value, lambda *_: {})


def framed(text, blob=b"", *, claimed=None):
    return struct.pack("!II", *(claimed or (len(text), len(blob)))) + text + blob


GARBAGE = {
    "no JSON": framed(b"not JSON"), "no object": framed(b"[1]"), "no UTF-8": framed(b"\xff"), "deep": framed(b"[" * 100_000),
    "long number": framed(b'{"id": ' + b"9" * 10_000 + b"}"), "no tensors": framed(b"{}", b"x" * 20),
    "pickle": framed(b"{}", b"\x80\x04."), "huge text": framed(b"", claimed=(2**31, 0)), "huge blob": framed(b"", claimed=(2, 2**31)),
    "lying tensors": framed(b"{}", struct.pack("<Q", 60) + b'{"0":{"dtype":"F32","shape":[9999999],"data_offsets":[0,4]}}' + bytes(4)),
}


@pytest.mark.parametrize("sent", GARBAGE)
def test_garbage_is_garbled(sent, ends):
    ends[0].sendall(GARBAGE[sent])
    with pytest.raises(Garbled):
        Wire(ends[1]).receive(until=time.monotonic() + 5)


@pytest.mark.parametrize("tree", [{}, {"tuple": 3}, {"tensor": 0}, {"tensor": [], "dict": []}, {"dict": [[1]]}, {"dict": [[[], 1]]},
                                  {"array": "x"}, {"asking": 0}], ids=json.dumps)
def test_a_tree_of_another_form_is_garbled(tree):
    with pytest.raises(Garbled):
        unpack([tree], [torch.tensor([1])] if tree == {"asking": 0} else [], lambda stayed: stayed["kept"])


def test_silence_is_late_and_a_closed_end_is_gone(ends):
    ends[0].sendall(b"\0\0")
    with pytest.raises(Late):
        Wire(ends[1]).receive(until=time.monotonic() + 0.05)
    ends[0].close()
    with pytest.raises(Gone):
        Wire(ends[1]).receive()


def test_who_does_not_read_is_late(ends):
    with pytest.raises(Late):
        Wire(ends[0]).send({}, [torch.zeros(4_000_000)], until=time.monotonic() + 0.2)


def test_a_closed_third_end_is_noticed(ends):
    watched, its_other = socket.socketpair()
    its_other.close()
    with watched, pytest.raises(Gone):
        Wire(ends[0]).receive(give_up=watched.fileno())
