"""Answers to chapter 8 as students give them: wrong in ways that are known, and right in ways that are not ours.

WRONG: exercise -> name of the mistake -> (answer, words of the hint that the student must be given).
RIGHT: exercise -> name -> answer, as different from the reference as an honest student's may be.
"""
import random

import torch
import torch.nn.functional as F
from torch import nn

from autograde.checks.translation import cycle_steps, fill_steps
from solutions import translation as reference
from solutions.training.losses import least_squares_d, least_squares_g


class StridesTurned(reference.PatchDiscriminator):
    """Wrong: stride 1 first, 2 in the last turn."""

    def __init__(self, channels=3, *, width=64, halvings=3):
        super().__init__(channels, width=width, halvings=halvings)
        for k in range(halvings):
            self.layers[2 + 3 * k].stride = (2, 2) if k == halvings - 1 else (1, 1)


class Unpadded(reference.PatchDiscriminator):
    """Wrong: the padding of the loop forgotten."""

    def __init__(self, channels=3, *, width=64, halvings=3):
        super().__init__(channels, width=width, halvings=halvings)
        for k in range(halvings):
            self.layers[2 + 3 * k] = nn.Conv2d(width << k, width << k + 1, 4, 1 if k == halvings - 1 else 2)


class Reflecting(reference.PatchDiscriminator):
    """Wrong: the translator's padding."""

    def __init__(self, channels=3, *, width=64, halvings=3):
        super().__init__(channels, width=width, halvings=halvings)
        for k in range(halvings):
            self.layers[2 + 3 * k] = nn.Conv2d(width << k, width << k + 1, 4, 1 if k == halvings - 1 else 2, 1,
                                               padding_mode="reflect")


class WithoutGraph(reference.PatchDiscriminator):
    """Wrong: the generator learns nothing from it."""

    def forward(self, images):
        return self.layers(images.detach())[:, 0]


class Normalising(reference.PatchDiscriminator):
    """Wrong: the caller's images are brought to another range in place."""

    def forward(self, images):
        images.mul_(0.5).add_(0.5)
        return self.layers(images * 2 - 1).squeeze(1)


class InTurns(reference.PatchDiscriminator):
    """Right: a list of layers, applied one after the other; one norm for each."""

    def __init__(self, channels=3, *, width=64, halvings=3):
        super().__init__(channels, width=width, halvings=halvings)
        strides = [2] * (halvings - 1) + [1]
        for k, stride in enumerate(strides):
            self.layers[2 + 3 * k] = nn.Conv2d(width * 2 ** k, 2 * width * 2 ** k, kernel_size=4, stride=stride, padding=1)
            self.layers[3 + 3 * k] = nn.InstanceNorm2d(2 * width * 2 ** k, affine=False, track_running_stats=False)

    def forward(self, images):
        for layer in self.layers:
            images = layer(images)
        return images.flatten(1, 1).sum(1)


def patches(*, order="cna", squash=lambda: nn.LeakyReLU(0.2), norm=nn.InstanceNorm2d,
            strides=lambda k, last: 1 if k == last else 2, bias=True, width=lambda k: 2 << k, give=lambda x: x[:, 0], kernel=4):
    """A discriminator put together from named parts."""
    class Variant(reference.PatchDiscriminator):
        def __init__(self, channels=3, *, width=64, halvings=3):
            super().__init__(channels, width=width, halvings=halvings)
            layers = list(self.layers[:2])
            for k in range(halvings):
                before, after = width * 2 ** k, width * 2 ** (k + 1)
                parts = {"c": nn.Conv2d(before, after, kernel, strides(k, halvings - 1), 1, bias=bias), "n": norm(after),
                         "a": squash()}
                layers += [parts[letter] for letter in order]
            self.layers = nn.Sequential(*layers, self.layers[-1])

        def forward(self, images):
            return give(self.layers(images))
    return Variant


def group(maps):
    return nn.GroupNorm(maps, maps, affine=False)


def cycle_by_parts(generator, pair, fake):
    """Right: each domain on its own."""
    home = generator(None, fake)
    return sum((home[:, k] - pair[:, k]).abs().mean() for k in range(2)) / 2


def cycle_by_directions(generator, pair, fake):
    """Right: the two translators asked one by one, as the formula has them."""
    home_a, home_b = generator.b_to_a(fake[:, 1]), generator.a_to_b(fake[:, 0])
    return 0.5 * (F.l1_loss(home_a, pair[:, 0]) + F.l1_loss(home_b, pair[:, 1]))


def identity_by_directions(generator, pair):
    """Right: the two translators asked one by one, as the formula has them."""
    a, b = pair[:, 0], pair[:, 1]
    return (torch.mean(torch.abs(generator.a_to_b(b) - b)) + torch.mean(torch.abs(generator.b_to_a(a) - a))) * 0.5


def cycle_in_place(generator, pair, fake):
    """Wrong: the difference is taken in the caller's pair."""
    pair -= generator(None, fake).detach()
    return pair.abs().mean()


def identity_by_parts(generator, pair):
    """Right: turned round by hand."""
    turned = torch.stack([pair[:, 1], pair[:, 0]], dim=1)
    a, b = generator(torch.zeros(len(pair), 0), turned).unbind(1)
    return (F.l1_loss(a, pair[:, 0]) + F.l1_loss(b, pair[:, 1])) / 2


def history(*, half=0.5, place=None, keep=lambda fake: fake.clone(), cut=lambda fakes: fakes.detach(), rng=True, forget=False,
            first=True, both=False, turn=lambda shown: shown):
    """A history put together from named parts."""
    class Variant(reference.FakeHistory):
        def exchange(self, fakes):
            source = {"generator": self.rng} if rng else {}
            shown = []
            for fake in cut(fakes):
                if len(self.kept) < self.size:
                    if first:
                        self.kept.append(keep(fake))
                    shown.append(fake)
                    continue
                if torch.rand(1, **source).item() >= half:
                    shown.append(fake)
                    continue
                index = torch.randint(self.size, (1,), **source).item() if place is None else place(self)
                old = self.kept[index]
                if not forget:
                    self.kept[index] = keep(fake)
                shown.append(fake if both else old)
            return turn(torch.stack(shown))
    return Variant


class PopAndAppend(reference.FakeHistory):
    """Right: a tensor filled in place, and a list that loses one and gains one."""

    def exchange(self, fakes):
        with torch.no_grad():
            shown = fakes.clone()
            for k in range(len(fakes)):
                if len(self.kept) < self.size:
                    self.kept.append(fakes[k].clone())
                elif torch.rand((), generator=self.rng) > 0.5:
                    index = torch.randint(0, len(self.kept), (), generator=self.rng)
                    shown[k] = self.kept.pop(index)
                    self.kept.append(fakes[k].clone())
        return shown


class OneCoin(reference.FakeHistory):
    """Wrong: one coin for the whole batch."""

    def exchange(self, fakes):
        shown, coin = [], torch.rand((), generator=self.rng) < 0.5
        for fake in fakes.detach():
            if len(self.kept) < self.size:
                self.kept.append(fake.clone())
            elif coin:
                place = int(torch.randint(self.size, (), generator=self.rng))
                fake, self.kept[place] = self.kept[place], fake.clone()
            shown.append(fake)
        return torch.stack(shown)


class BackAtOnce(reference.FakeHistory):
    """Wrong: the new one is kept first, and may come straight back."""

    def exchange(self, fakes):
        shown = []
        for fake in fakes.detach():
            if len(self.kept) < self.size:
                self.kept.append(fake.clone())
            elif torch.rand((), generator=self.rng) < 0.5:
                self.kept.append(fake.clone())
                fake = self.kept.pop(int(torch.randint(self.size + 1, (), generator=self.rng)))
            shown.append(fake)
        return torch.stack(shown)


class WholeBatches(reference.FakeHistory):
    """Wrong: a batch that begins while there is room is kept whole."""

    def exchange(self, fakes):
        if len(self.kept) < self.size:
            self.kept += [fake.clone() for fake in fakes.detach()]
            return fakes.detach()
        return super().exchange(fakes)


class Permuted(reference.FakeHistory):
    """Right: coins and places drawn for the batch at once, a tensor for what is kept."""

    def exchange(self, fakes):
        shown = torch.empty_like(fakes)
        coins = torch.bernoulli(torch.full((len(fakes),), 0.5), generator=self.rng).bool()
        places = torch.randint(0, self.size, (len(fakes),), generator=self.rng)
        for k, fake in enumerate(fakes.data):
            shown[k] = fake
            if len(self.kept) < self.size:
                self.kept.append(fake.detach().clone())
            elif coins[k]:
                shown[k] = self.kept[places[k]]
                self.kept[places[k]] = fake.detach().clone()
        return shown


class Oldest(reference.FakeHistory):
    def exchange(self, fakes):
        shown = []
        for fake in fakes.detach():
            self.kept.append(fake.clone())
            if len(self.kept) <= self.size or torch.rand((), generator=self.rng) < 0.5:
                shown.append(fake)
                del self.kept[self.size:]
            else:
                shown.append(self.kept.pop(0))
        return torch.stack(shown)


class PartsOfTheShown(reference.FakeHistory):
    """Wrong: what is kept lies in what was shown."""

    def exchange(self, fakes):
        shown = fakes.detach().clone()
        for k, fake in enumerate(fakes.detach()):
            if len(self.kept) < self.size:
                self.kept.append(shown[k])
            elif torch.rand((), generator=self.rng) < 0.5:
                place = int(torch.randint(self.size, (), generator=self.rng))
                shown[k], self.kept[place] = self.kept[place], fake.clone()
        return shown


class PythonsDice(reference.FakeHistory):
    def exchange(self, fakes):
        self.rng.manual_seed(random.getrandbits(40))
        return super().exchange(fakes)


def step_with_bare_squares(generator, discriminator, optimizer_g, optimizer_d, pair, *, remember=torch.clone,
                           extra=lambda pair, fake: 0.0, again=False):
    """Right: squares written out, D not frozen. Wrong with the pair translated `again` for the second turn."""
    fake = generator(None, pair)
    real_logits, fake_logits = discriminator(pair), discriminator(remember(fake.detach()))
    loss_d = 0.5 * torch.mean((real_logits - 1) ** 2) + 0.5 * torch.mean(fake_logits ** 2)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    fake = generator(None, pair) if again else fake
    loss_g = 0.5 * torch.mean((discriminator(fake) - 1) ** 2) + extra(pair, fake)
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def step_by_gradients(generator, discriminator, optimizer_g, optimizer_d, pair, *, remember=torch.clone,
                      extra=lambda pair, fake: 0.0):
    """Right: gradients asked for by hand."""
    def move(loss, network, optimizer):
        weights = list(network.parameters())
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights, retain_graph=True), strict=True):
            weight.grad = gradient
        optimizer.step()
    fake = generator(None, pair)
    loss_d = least_squares_d(discriminator(pair), discriminator(remember(fake.detach())))
    move(loss_d, discriminator, optimizer_d)
    loss_g = least_squares_g(discriminator(fake)) + extra(pair, fake)
    move(loss_g, generator, optimizer_g)
    return loss_d.detach(), loss_g.detach()


def step_without_detach(generator, discriminator, optimizer_g, optimizer_d, pair, *,
                        remember=torch.clone, extra=lambda *_: 0.0):
    fake = generator(None, pair)
    loss_d = least_squares_d(discriminator(pair), discriminator(remember(fake)))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = least_squares_g(discriminator(fake)) + extra(pair, fake)
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()


def step_with_early_logits(generator, discriminator, optimizer_g, optimizer_d, pair, *, remember=torch.clone,
                           extra=lambda pair, fake: 0):
    fake = generator(None, pair)
    loss_g = least_squares_g(discriminator(fake)) + extra(pair, fake)
    gradients = torch.autograd.grad(loss_g, list(generator.parameters()))
    loss_d = least_squares_d(discriminator(pair), discriminator(remember(fake.detach())))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    for parameter, gradient in zip(generator.parameters(), gradients):
        parameter.grad = gradient
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()


def step_with_the_generator_first(generator, discriminator, optimizer_g, optimizer_d, pair, *, remember=torch.clone,
                                  extra=lambda pair, fake: 0):
    fake = generator(None, pair)
    discriminator.requires_grad_(False)
    loss_g = least_squares_g(discriminator(fake)) + extra(pair, fake)
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    discriminator.requires_grad_(True)
    loss_d = least_squares_d(discriminator(pair), discriminator(remember(fake.detach())))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    return loss_d.detach(), loss_g.detach()


def step_that_returns_half(*arguments, extra=lambda pair, fake: 0, **options):
    added = []

    def noted(pair, fake):
        added.append(extra(pair, fake))
        return added[-1]
    loss_d, loss_g = reference.cycle_step(*arguments, extra=noted, **options)
    return loss_d, loss_g - float(torch.as_tensor(added[0]).detach())


def step_in_evaluation(generator, discriminator, *arguments, **options):
    discriminator.eval()
    return reference.cycle_step(generator, discriminator, *arguments, **options)


def step_by_domains(generator, discriminator, optimizer_g, optimizer_d, pair, *, remember=torch.clone,
                    extra=lambda pair, fake: 0):
    """Right: the losses of both domains apart, the generator's gradients cut off from the judges by hand."""
    fake = generator(None, pair)
    optimizer_d.zero_grad(set_to_none=False)
    on_real, on_fake = discriminator(pair), discriminator(remember(fake.detach()))
    loss_d = sum(least_squares_d(on_real[:, k], on_fake[:, k]) for k in range(2)) / 2
    loss_d.backward()
    optimizer_d.step()
    for parameter in discriminator.parameters():
        parameter.requires_grad_(False)
    judged = discriminator(fake)
    loss_g = (least_squares_g(judged[:, 0]) + least_squares_g(judged[:, 1])) / 2 + extra(pair, fake)
    optimizer_g.zero_grad(set_to_none=False)
    loss_g.backward()
    optimizer_g.step()
    for parameter in discriminator.parameters():
        parameter.requires_grad_(True)
    return [loss_d.detach(), loss_g.detach()]


def step_that_forgets_to_thaw(generator, discriminator, *arguments, **options):
    losses = reference.cycle_step(generator, discriminator, *arguments, **options)
    discriminator.requires_grad_(False)
    return losses


def step_with_extra_of_tensors(*arguments, extra=lambda pair, fake: 0, **options):
    """Wrong: extra may give a plain number."""
    return reference.cycle_step(*arguments, extra=lambda pair, fake: extra(pair, fake).mean(), **options)


def step_that_detaches_late(generator, *arguments, remember=torch.clone, **options):
    """Wrong: what is remembered has its graph."""
    made = []

    def translating(z, pair):
        made.append(generator(z, pair))
        return made[-1]
    return reference.cycle_step(translating, *arguments, remember=lambda fake: remember(made[0]).detach(), **options)


def giving(step, change):
    """A step with its losses changed."""
    return lambda *arguments, **options: change(step(*arguments, **options))


def filling(*, covered=lambda x, m: x * (1 - m), shown=lambda c, m: torch.cat([c, m], 1),
            place=lambda x, made, m: torch.where(m > 0, made, x), made=lambda y: y):
    """A fill put together from named parts."""
    return lambda network, images, mask: place(images, made(network(shown(covered(images, mask), mask))), mask)


def fill_by_channels(network, images, mask):
    """Right: an input that is filled in, and a product."""
    seen = images.new_zeros(len(images), images.shape[1] + 1, *images.shape[2:])
    seen[:, :-1] = images.masked_fill(mask.bool(), 0.0)
    seen[:, -1:] = mask
    return images * (1 - mask) + network(seen) * mask


def fill_in_place(network, images, mask):
    """Wrong: the hole is cut into the caller's images."""
    images *= 1 - mask
    return images + network(torch.cat([images, mask], 1)) * mask


def fill_by_index(network, images, mask):
    """Right: a copy, holes set by index."""
    hole = mask.expand_as(images).bool()
    covered, filled = images.clone(), images.clone()
    covered[hole] = 0
    painted = network(torch.cat((covered, mask.to(images)), dim=1))
    filled[hole] = painted[hole]
    return filled


def fill_step_by_gradients(painter, judge, painter_optimizer, judge_optimizer, images, mask, *, weight=20.0):
    """Right: gradients by hand, everything painted anew."""
    shown = painter(images, mask).detach()
    judge_loss = -(F.logsigmoid(judge(images)).mean() + F.logsigmoid(-judge(shown)).mean())
    weights = list(judge.parameters())
    for parameter, gradient in zip(weights, torch.autograd.grad(judge_loss, weights)):
        parameter.grad = gradient
    judge_optimizer.step()
    filled = painter(images, mask)
    fooled = -F.logsigmoid(judge(filled)).mean()
    error = reference.hole_error(filled, images, mask).mean()
    weights = painter_optimizer.param_groups[0]["params"]
    for parameter, gradient in zip(weights, torch.autograd.grad(fooled + weight * error, weights)):
        parameter.grad = gradient
    painter_optimizer.step()
    return judge_loss.detach(), fooled.detach(), error.detach()


def fill_step_frozen_for_good(painter, judge, *arguments, **options):
    losses = reference.fill_step(painter, judge, *arguments, **options)
    judge.requires_grad_(False)
    return losses


def fill_step_with_error_cut(painter, judge, painter_optimizer, judge_optimizer, images, mask, *, weight=20.0):
    """Wrong: the error is measured and moves nothing."""
    judged, fooled, _ = reference.fill_step(painter, judge, painter_optimizer, judge_optimizer, images, mask, weight=0.0)
    with torch.no_grad():
        return judged, fooled, reference.hole_error(painter(images, mask), images, mask).mean()


def fill_step_that_freezes_the_painter(painter, *arguments, **options):
    """Wrong: a painter may be a function."""
    painter.requires_grad_(True)
    return reference.fill_step(painter, *arguments, **options)


def fill_step_with_weighted_error(*arguments, weight=20.0, **options):
    judged, fooled, error = reference.fill_step(*arguments, weight=weight, **options)
    return judged, fooled, weight * error


def fill_step_that_clears_late(painter, judge, painter_optimizer, judge_optimizer, images, mask, *, weight=20.0):
    filled = painter(images, mask)
    judge_loss = F.softplus(-judge(images)).mean() + F.softplus(judge(filled.detach())).mean()
    judge_loss.backward()
    judge_optimizer.zero_grad()
    judge_optimizer.step()
    fooled = F.softplus(-judge(filled)).mean()
    error = reference.hole_error(filled, images, mask).mean()
    painter_optimizer.zero_grad()
    (fooled + weight * error).backward()
    painter_optimizer.step()
    return judge_loss.detach(), fooled.detach(), error.detach()


def fill_step_with_bce(generator, discriminator, optimizer_g, optimizer_d, images, mask, *, weight=20.0):
    """Right: another way to write the losses, D frozen, the hole picked out."""
    bce = F.binary_cross_entropy_with_logits
    optimizer_d.zero_grad()
    real = discriminator(images)
    with torch.no_grad():
        shown = generator(images, mask)
    fake = discriminator(shown)
    loss_d = bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
    loss_d.backward()
    optimizer_d.step()
    discriminator.requires_grad_(False)
    optimizer_g.zero_grad()
    filled = generator(images, mask)
    logits = discriminator(filled)
    fooled = bce(logits, torch.ones_like(logits))
    error = torch.stack([(x - y)[:, m[0] > 0].square().mean() for x, y, m in zip(filled, images, mask)]).mean()
    (weight * error + fooled).backward()
    optimizer_g.step()
    discriminator.requires_grad_(True)
    return loss_d.item(), fooled.item(), error.item()


ALL = ("stale", "cut", "wrong goal", "outside")


def fill_over_the_painting(network, images, mask):
    """Wrong: it writes into the network's own output."""
    covered = images * (1 - mask)
    painted = network(torch.cat([covered, mask], 1))
    painted *= mask
    painted += covered
    return painted


def fill_step_by_default(painter, judge, painter_optimizer, judge_optimizer, images, mask, *, weight=1.0):
    """Wrong: another default."""
    return reference.fill_step(painter, judge, painter_optimizer, judge_optimizer, images, mask, weight=weight)


RIGHT = {
    "translation.PatchDiscriminator": {
        "powers": patches(),
        "group norm": patches(norm=group, give=lambda x: x.squeeze(1)),
        "in turns": InTurns,
    },
    "translation.cycle_loss": {
        "by parts": cycle_by_parts,
        "by directions": cycle_by_directions,
        "translated again": lambda g, pair, fake: (g(None, g(None, pair)) - pair).abs().mean(),
    },
    "translation.identity_loss": {
        "by parts": identity_by_parts,
        "by directions": identity_by_directions,
        "compared the other way round": lambda g, pair: F.l1_loss(pair.flip(1), g(None, pair[:, [1, 0]]).flip(1)),
    },
    "translation.FakeHistory": {"pop and append": PopAndAppend, "from parts": history(), "drawn at once": Permuted},
    "translation.cycle_step": {"squares": step_with_bare_squares, "gradients": step_by_gradients,
                               "by domains": step_by_domains},
    "translation.fill": {"where": filling(), "in place": fill_by_channels, "by index": fill_by_index},
    "translation.fill_step": {"bce": fill_step_with_bce, "error by hand": fill_steps(),
                              "gradients": fill_step_by_gradients},
}

WRONG = {
    "translation.PatchDiscriminator": {
        "channels left": (patches(give=lambda x: x), "drop the axis"),
        "sigmoid": (patches(give=lambda x: x[:, 0].sigmoid()), "no sigmoid"),
        "mean of the map": (patches(give=lambda x: x.mean((1, 2, 3))), "no mean over them"),
        "flat": (patches(give=lambda x: x.flatten(1)), "flat list"),
        "relu": (patches(squash=nn.ReLU), "plain ReLU"),
        "default slope": (patches(squash=nn.LeakyReLU), "slope"),
        "linear": (patches(squash=nn.Identity), "behind the norm is missing"),
        "no norm": (patches(norm=lambda maps: nn.Identity()), "instance norm between"),
        "batch norm": (patches(norm=lambda maps: nn.BatchNorm2d(maps, affine=False)), "other images of the batch"),
        "norm with weights": (patches(norm=nn.BatchNorm2d), "norm without weights"),
        "norm last": (patches(order="can"), "not behind it"),
        "stride 1": (patches(strides=lambda k, last: 1), "Too many logits"),
        "stride 2": (patches(strides=lambda k, last: 2), "stride 1"),
        "no bias": (patches(bias=False), "with a bias"),
        "kernel 3": (patches(kernel=3), "4 x 4"),
        "strides turned": (StridesTurned, "other way round"),
        "no padding": (Unpadded, "padding=1 is missing"),
        "reflecting": (Reflecting, "translator's"),
        "squeezed": (patches(give=lambda x: x.squeeze()), "a batch of one"),
        "no graph": (WithoutGraph, "No gradient reaches the images"),
        "in place": (Normalising, "in place"),
        "norm that keeps": (patches(norm=lambda maps: nn.InstanceNorm2d(maps, track_running_stats=True)), "keeps statistics"),
        "viewed as a square": (patches(give=lambda x: x.reshape(len(x), round((x.numel() / len(x)) ** 0.5), -1)), "is invalid"),
    },
    "translation.cycle_loss": {
        "one way": (lambda g, p, f: F.l1_loss(f, p), "One way only"),
        "compared with the fakes": (lambda g, p, f: F.l1_loss(g(None, f), f), "where it set out"),
        "wrong direction": (lambda g, p, f: F.l1_loss(g(None, f.flip(1)).flip(1), p), "wrong direction"),
        "fakes flipped": (lambda g, p, f: F.l1_loss(g(None, f.flip(1)), p), "wrong direction"),
        "home flipped": (lambda g, p, f: F.l1_loss(g(None, f).flip(1), p), "a is compared with b"),
        "squares": (lambda g, p, f: F.mse_loss(g(None, f), p), "L1"),
        "sum": (lambda g, p, f: F.l1_loss(g(None, f), p, reduction="sum"), "no sum"),
        "sum of two means": (lambda g, p, f: 2 * F.l1_loss(g(None, f), p), "Twice"),
        "only a": (lambda g, p, f: F.l1_loss(g(None, f)[:, 0], p[:, 0]), "Only a's cycle"),
        "only b": (lambda g, p, f: F.l1_loss(g(None, f)[:, 1], p[:, 1]), "Only b's cycle"),
        "mean, then absolute": (lambda g, p, f: (g(None, f) - p).mean().abs(), "errors cancel"),
        "sum over pixels": (lambda g, p, f: F.l1_loss(g(None, f), p, reduction="sum") / len(p), "no sum"),
        "root of squares": (lambda g, p, f: F.mse_loss(g(None, f), p).sqrt(), "L1"),
        "smooth": (lambda g, p, f: F.smooth_l1_loss(g(None, f), p), "smooth L1"),
        "in place": (cycle_in_place, "in place"),
        "fakes cut": (lambda g, p, f: F.l1_loss(g(None, f.detach()), p), "something is cut"),
        "views": (lambda g, p, f: F.l1_loss(g(None, f).view(-1), p.view(-1)), "view size"),
        "no graph": (lambda g, p, f: F.l1_loss(g(None, f), p).detach(), "with a graph"),
    },
    "translation.identity_loss": {
        "not exchanged": (lambda g, p: F.l1_loss(g(None, p), p), "*target* domain"),
        "compared with the flipped": (lambda g, p: F.l1_loss(g(None, p.flip(1)), p.flip(1)), "compare it with a"),
        "translation changes nothing": (lambda g, p: F.l1_loss(g(None, p), p.flip(1)), "change nothing at all"),
        "flip of the batch": (lambda g, p: F.l1_loss(g(None, p.flip(0)), p), "flip(0)"),
        "squares": (lambda g, p: F.mse_loss(g(None, p.flip(1)), p), "L1"),
        "sum": (lambda g, p: F.l1_loss(g(None, p.flip(1)), p, reduction="sum"), "no sum"),
        "sum of two means": (lambda g, p: 2 * F.l1_loss(g(None, p.flip(1)), p), "Twice"),
        "other direction": (lambda g, p: F.l1_loss(g(None, p.flip(1))[:, 1], p[:, 1]), "b_to_a has a target"),
        "sum over pixels": (lambda g, p: F.l1_loss(g(None, p.flip(1)), p, reduction="sum") / len(p), "no sum"),
        "mean, then absolute": (lambda g, p: (g(None, p.flip(1)) - p).mean().abs(), "errors cancel"),
        "the cycle": (lambda g, p: F.l1_loss(g(None, g(None, p)), p), "That is the cycle"),
        "one direction": (lambda g, p: F.l1_loss(g(None, p.flip(1))[:, 0], p[:, 0]), "a_to_b has a target"),
        "no graph": (lambda g, p: F.l1_loss(g(None, p.flip(1)), p).detach(), "with a graph"),
    },
    "translation.FakeHistory": {
        "no copy": (history(keep=lambda fake: fake), "keep a copy"),
        "graph": (history(cut=lambda fakes: fakes), "still has its graph"),
        "always old": (history(half=2.0), "only old ones"),
        "never old": (history(half=-1.0), "nothing old"),
        "one in ten": (history(half=0.1), "Half of those shown"),
        "always the first": (history(place=lambda self: 0), "drawn at random"),
        "the oldest": (Oldest, "drawn at random"),
        "old ones stay": (history(forget=True), "gets lost or is shown twice"),
        "shown and kept": (history(both=True), "nothing old"),
        "turned round": (history(turn=lambda shown: shown.flip(0)), "another order"),
        "any dice": (history(rng=False), "self.rng"),
        "one place too few": (history(place=lambda self: int(torch.randint(self.size - 1, (), generator=self.rng))),
                              "never drawn"),
        "one coin": (OneCoin, "One coin"),
        "back at once": (BackAtOnce, "Half of those shown"),
        "whole batches": (WholeBatches, "Expected 6 kept ones"),
        "python's dice": (PythonsDice, "same seed"),
        "low places": (history(place=lambda self: int(torch.randint(self.size, (2,), generator=self.rng).min())), "uniformly"),
        "parts of what is shown": (PartsOfTheShown, "what was shown, was overwritten"),
        "squeezed": (history(turn=lambda shown: shown.squeeze(0)), "(B, *)"),
    },
    "translation.cycle_step": {
        "no detach": (step_without_detach, "detach"),
        "no memory": (cycle_steps("no memory"), "fakes of now"),
        "detached late": (step_that_detaches_late, "without a graph"),
        "translates again": (lambda *arguments, **options: step_with_bare_squares(*arguments, again=True, **options),
                             "translate once"),
        "extra of tensors": (step_with_extra_of_tensors, "a plain number"),
        "stale D": (cycle_steps("stale D"), "added to D's"),
        "stale G": (cycle_steps("stale G"), "added to the generator's"),
        "swapped": (cycle_steps("swapped"), "sides are swapped"),
        "D stands still": (cycle_steps("D stands still"), "did not move"),
        "before": (step_with_early_logits, "before it learnt"),
        "generator first": (step_with_the_generator_first, "before it learnt"),
        "minus": (cycle_steps("minus"), "no bottom"),
        "twice for both": (cycle_steps("twice"), "not a sum"),
        "old ones for G": (cycle_steps("old ones"), "is for D's turn"),
        "loss without extra": (step_that_returns_half, "extra(pair, fake), too"),
        "no judge": (cycle_steps("no judge"), "say nothing to the generator"),
        "left in evaluation": (step_in_evaluation, "another mode"),
        "wrong goal": (cycle_steps("wrong goal"), "taken for real"),
        "cross-entropy": (cycle_steps("cross-entropy"), "cross-entropy"),
        "not halved": (cycle_steps("not halved"), "has a half in it"),
        "flipped": (cycle_steps("flipped"), "do not flip it"),
        "one direction": (cycle_steps("one direction"), "both learn"),
        "no extra": (cycle_steps("no extra"), "extra(pair, fake) is missing"),
        "extra turned": (cycle_steps("extra turned"), "pair first"),
        "frozen for good": (step_that_forgets_to_thaw, "cut"),
        "losses swapped": (giving(reference.cycle_step, lambda pair: pair[::-1]), "comes first"),
        "one loss": (giving(reference.cycle_step, lambda pair: pair[0]), "two losses"),
        "with graphs": (giving(reference.cycle_step, lambda pair: tuple(v.clone().requires_grad_() for v in pair)),
                        "detach them"),
    },
    "translation.fill": {
        "over the painting": (fill_over_the_painting, "make a new tensor, `x = x * mask`"),
        "sees it all": (filling(covered=lambda x, m: x), "cover the hole"),
        "whole painting": (filling(place=lambda x, made, m: made), "whole painting"),
        "wrong way round": (filling(place=lambda x, made, m: torch.lerp(made, x, m)), "wrong way round"),
        "hole only": (filling(covered=lambda x, m: x * m), "nothing else"),
        "mask first": (filling(shown=lambda c, m: torch.cat([m, c], 1)), "mask comes last"),
        "mask turned": (filling(shown=lambda c, m: torch.cat([c, 1 - m], 1)), "mask itself"),
        "ones": (filling(covered=lambda x, m: x * (1 - m) + m), "not with ones"),
        "black": (filling(covered=lambda x, m: x * (1 - m) - m), "not with -1"),
        "added": (filling(place=lambda x, made, m: x + made * m), "you add them"),
        "no mask": (filling(shown=lambda c, m: c), "colours and the mask"),
        "empty": (lambda network, x, m: x * (1 - m), "still empty"),
        "hole alone": (filling(place=lambda x, made, m: made * m), "image is missing"),
        "cut": (filling(made=lambda y: y.detach()), "No detach()"),
        "in place": (fill_in_place, "in place"),
        "clamped": (filling(made=lambda y: y.clamp(-1, 1)), "no clamp"),
        "first mask": (filling(shown=lambda c, m: torch.cat([c, m[:1].expand_as(m)], 1)), "first one's mask"),
        "mean colour": (filling(covered=lambda x, m: torch.lerp(x, x.mean((2, 3), keepdim=True), m)), "not with a mean colour"),
        "as they were": (filling(place=lambda x, made, m: x), "Nothing is filled"),
        "image by image": (lambda network, x, m: torch.cat([
            filling()(network, *one) for one in zip(x.split(1), m.split(1))]), "the whole batch"),
    },
    "translation.fill_step": {
        "another default": (fill_step_by_default, "may be left out, and is 20.0"),
        "untouched": (fill_steps(*ALL), "pile up"),
        "stale left": (fill_steps("stale"), "pile up"),
        "cut left": (fill_steps("cut"), "No gradient reaches"),
        "wrong goal left": (fill_steps("wrong goal"), "wants the judge to take"),
        "outside left": (fill_steps("outside"), "around the hole"),
        "cut and outside": (fill_steps("cut", "outside"), "no gradient at all"),
        "goal and outside": (fill_steps("wrong goal", "outside"), "whom does it want"),
        "cut and goal": (fill_steps("cut", "wrong goal"), "No gradient reaches"),
        "saturating": (fill_steps("saturating"), "log(1 - D)"),
        "saturating and outside": (fill_steps("saturating", "outside"), "saturating one"),
        "whole": (fill_steps("whole"), "over the whole image"),
        "all holes as one": (fill_steps("as one"), "Each image counts alike"),
        "error cut": (fill_step_with_error_cut, "moves nothing"),
        "painter frozen": (fill_step_that_freezes_the_painter, "requires_grad_"),
        "weighted error": (fill_step_with_weighted_error, "unweighted"),
        "cleared late": (fill_step_that_clears_late, "did not move"),
        "losses swapped": (giving(reference.fill_step, lambda three: (three[1], three[0], three[2])), "comes first"),
        "two losses": (giving(reference.fill_step, lambda three: three[:2]), "three losses"),
    },
}
