"""The contract that every answer keeps: each breach is seen, named, and costs one check; what is allowed costs nothing."""
import pytest
import torch
from torch import nn

from autograde import checks
from autograde.checks import Subject, gradients, may_change
from autograde.checks.contract import BREACHES, breach, breaches, watch


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def writes(x, net, rng):
    x += 1


def writes_behind_autograds_back(x, net, rng):
    x.numpy()[0] = 9


def writes_into_a_list(x, net, rng):
    x[1].zero_()


def leaves_eval(x, net, rng):
    net.eval()


def leaves_a_part_in_eval(x, net, rng):
    net[1].eval()


def freezes(x, net, rng):
    net[2].bias.requires_grad_(False)


def replaces(x, net, rng):
    net[0].weight = nn.Parameter(net[0].weight.detach().clone())


def hooks(x, net, rng):
    net[0].register_forward_hook(lambda *_: None)


def draws_from_torchs_own(x, net, rng):
    return torch.rand(3)


def seeds(x, net, rng):
    torch.manual_seed(0)


def gives_doubles(x, net, rng):
    return [x.double()]


def puts_all_back(x, net, rng):
    """Right: whatever was changed is as it was."""
    net.eval()
    net.requires_grad_(False)
    handle = net.register_forward_hook(lambda *_: None)
    y = net(x.clone().mul_(2))
    handle.remove()
    net.requires_grad_(True)
    net.train()
    return y + torch.rand(2, generator=rng)


def trains(x, net, rng):
    """Right: a network's weights are there to be changed."""
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    net(x).sum().backward()
    optimizer.step()
    return float(x.sum())


may_change("made_up.exercise", "still")  # most of these draw nothing


BROKEN = {
    writes: ("written", "x"), writes_behind_autograds_back: ("written", "x"), writes_into_a_list: ("written", "x"),
    leaves_eval: ("mode", "net"), leaves_a_part_in_eval: ("mode", "net"), freezes: ("frozen", "net"),
    replaces: ("parameters", "net"), hooks: ("hooks", "net"), draws_from_torchs_own: ("generator", "rng"),
    seeds: ("generator", "rng"), gives_doubles: ("double", "it"),
}


def called(function):
    subject = watch(Subject(function))
    x = torch.ones(2, 3)
    subject.probe(with_a_network, [x, x.clone()] if function is writes_into_a_list else x)
    return subject


def with_a_network(function, x):
    function(x, nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), torch.Generator())


@pytest.mark.parametrize("function", BROKEN, ids=lambda function: function.__name__)
def test_a_breach_is_seen_and_names_the_argument(function):
    kind, name = BROKEN[function]
    said = breach(called(function), "made_up.exercise", set())
    assert said == BREACHES[kind].format(name=name)


@pytest.mark.parametrize("function", [puts_all_back, trains], ids=lambda function: function.__name__)
def test_what_is_put_back_and_what_is_trained_is_no_breach(function):
    assert breach(called(function), "made_up.exercise", set()) == ""


def test_a_breach_costs_one_check_and_a_second_one_another():
    cost = set()
    assert breach(called(writes), "made_up.exercise", cost)
    assert not breach(called(writes), "made_up.exercise", cost)
    assert breach(called(freezes), "made_up.exercise", cost)


def test_what_an_exercise_is_there_to_change_is_allowed():
    may_change("made_up.in_place", "written", "still")
    assert not breach(called(writes), "made_up.in_place", set())
    assert breach(called(freezes), "made_up.in_place", set())
    with pytest.raises(ValueError, match="kinds of"):
        may_change("made_up.in_place", "weights")


def sets_back(x, net, rng):
    state = rng.get_state()
    torch.rand(2, generator=rng)
    rng.set_state(state)


@pytest.mark.parametrize("function", [sets_back, writes])
def test_who_is_given_a_generator_moves_it_on(function):
    assert "still" in {kind for kind, _ in called(function).probe(breaches)[0]}
    assert "still" not in {kind for kind, _ in called(puts_all_back).probe(breaches)[0]}


def forked(x):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
    return x


@pytest.mark.parametrize("thing, seeded", [
    (lambda x: torch.manual_seed(7) and x, True), (type("Net", (nn.Linear,), {"__init__": lambda self, x: (
        torch.manual_seed(7), nn.Linear.__init__(self, 2, 2))[1]}), True),
    (lambda x: torch.manual_seed(1) and x, True),  # the seed that it has already
    (forked, False), (lambda x: torch.rand(2) + x, False), (nn.ReLU, False)])
def test_nobody_seeds_torchs_own_generator(thing, seeded):
    torch.manual_seed(1)
    subject = watch(Subject(thing))
    subject(False if thing is nn.ReLU else 1.0)
    assert ("seeds torch's own" in breach(subject, "made_up.exercise", set())) == seeded


class Holds(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net.eval()


def test_who_is_handed_a_network_when_it_is_made_leaves_it_alone_too():
    subject = watch(Subject(Holds))
    subject(network())
    assert breach(subject, "made_up.exercise", set()) == BREACHES["mode"].format(name="net")


def test_a_number_is_no_tensor_where_the_signature_says_so():
    subject = watch(Subject(lambda positives, negatives: torch.tensor(0.5)))
    subject(torch.ones(2), torch.ones(2))
    assert breach(subject, "responsibility.auc", set()) == BREACHES["number"]
    assert not breach(subject, "made_up.exercise", set())


@pytest.mark.parametrize("function, kept", [
    (lambda clip, radius=1: clip, True), (lambda clip, radius=1.0, more=7: clip, True), (lambda *clip: clip[0], True),
    (lambda clip, radius=2: clip, False), (lambda clip, radius: clip, False), (lambda clip, radius=None: clip, False)])
def test_defaults_are_those_of_the_signature(function, kept):
    said = breach(watch(Subject(function)), "post_processing.temporal_median", set())
    assert said == ("" if kept else "By the signature `radius` may be left out, and is 1 then: keep this default.")


class Doubling(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.width = width
        self.layer = nn.Linear(width, width)

    def forward(self, x):
        x *= 2
        return self.layer(x)


class Counter:
    def __init__(self):
        self.rows = 0

    def add(self, x):
        self.rows += len(x)
        x.zero_()

    def __call__(self, x):
        return x.double()


def test_the_methods_of_a_class_are_looked_at_and_it_stays_that_class():
    made = watch(Subject(Doubling))
    layer = made(3)
    assert layer.attribute("width") == 3
    layer(torch.ones(2, 3))
    assert breach(made, "made_up.exercise", set()) == BREACHES["written"].format(name="x")
    assert set(layer.weights()) == {"layer.weight", "layer.bias"}
    counter = watch(Subject(Counter))
    one = counter()
    one.method("add", torch.ones(4, 2))
    one(torch.ones(1))
    assert one.attribute("rows") == 4
    cost = set()
    assert {breach(counter, "made_up.exercise", cost), breach(counter, "made_up.exercise", cost)} == {
        BREACHES["written"].format(name="x"), BREACHES["double"].format(name="it")}


class Sleepy(nn.Linear):
    """Its `forward` leaves the network in eval mode; a method of its own may."""

    def forward(self, x):
        self.eval()
        return super().forward(x)


class Shown(nn.Linear):
    """Right: to be shown is what this method is for."""

    def show(self, x):
        self.eval()
        return self(x)


def test_a_network_keeps_itself_in_forward_and_may_change_by_other_methods():
    watched, shown = watch(Subject(Sleepy)), watch(Subject(Shown))
    watched(2, 3)(torch.ones(2))
    shown(2, 3).method("show", torch.ones(2))
    assert "`self` in another mode" in breach(watched, "x.y", set())
    assert not breach(shown, "x.y", set())


def test_what_is_no_function_stays_as_it_is():
    assert watch(Subject(3)).probe(itself) == 3
    assert watch(Subject(network())).kind == "Sequential"


def itself(thing):
    return thing


def test_an_answer_that_is_right_in_value_loses_one_check_and_reads_why():
    from solutions.after_gans import euler

    def in_place(velocity, noise, steps):
        noise.copy_(euler(velocity, noise.clone(), steps))
        return noise

    results = checks.run("after_gans.euler", Subject(in_place))
    assert [r.passed for r in results].count(False) == 1
    assert "It changes `noise` in place" in next(r.hint for r in results if not r.passed)


def test_gradients_are_those_of_a_linear_map():
    """Closed form: y = x W^T + b, of which c_i y_i is summed, has the gradients c W, c^T x and the sum of c."""
    layer, x = nn.Linear(3, 2), torch.randn(4, 3)
    c = torch.linspace(0.5, 1.5, 8).reshape(4, 2)
    found = gradients(layer, x)
    torch.testing.assert_close(found["argument 1"], c @ layer.weight.detach())
    torch.testing.assert_close(found["weight"], c.T @ x)
    torch.testing.assert_close(found["bias"], c.sum(0))


def test_where_the_graph_is_cut_gradients_are_0():
    layer, x = nn.Linear(3, 2), torch.randn(4, 3)
    assert not any(g.any() for g in gradients(torch.no_grad()(lambda x: layer(x)), x).values())
    assert not gradients(lambda x: x.detach() * 2, x)["argument 1"].any()
    assert not gradients(lambda x: 3.0, x)["argument 1"].any()
    half = gradients(lambda x: x + x.detach(), x)["argument 1"]
    torch.testing.assert_close(half, torch.linspace(0.5, 1.5, 12).reshape(4, 3))
