"""Answers to the exercises of chapter 4; the form is that of gan_losses.py."""
import math

import torch
import torch.nn.functional as F
from torch import nn

import clipkit
from autograde.checks.dcgan import _arc, faulty_step, forgetful
from solutions.networks.layers import ema_decay, update_ema


def sized(formula, *, refuses=True):
    def answer(size, kernel, stride=1, padding=0):
        rows = formula(size, kernel, stride, padding)
        if refuses and rows < 1:
            raise ValueError("nothing is left")
        return rows
    return answer


def size_by_torch(size, kernel, stride=1, padding=0):
    """Right: ask torch."""
    try:
        return F.conv_transpose1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding).shape[-1]
    except RuntimeError:
        raise ValueError("nothing is left") from None


def generator(*, activation=nn.ReLU, norm=True, bias=False, stride=2, early=True, flat=False, fixed=None, late=False):
    """A generator put together from named parts."""
    class Generator(nn.Module):
        def __init__(self, size=32, channels=3, *, nz=100, width=64):
            super().__init__()
            self.nz, size = nz, fixed or size
            widths = [width << k for k in reversed(range(size.bit_length() - 3))]
            layers = [nn.ConvTranspose2d(nz, widths[0], 4, bias=False)]
            for before, after in zip(widths, [*widths[1:], channels], strict=True):
                up = nn.ConvTranspose2d(before, after, 4, stride=stride, padding=1, bias=bias)
                normalise = [nn.BatchNorm2d(before if early else after)] if norm else []
                layers += [*normalise, activation(), up] if early else [up, *normalise, activation()]
            self.layers = nn.Sequential(*layers, nn.Tanh())

        def forward(self, z):
            if late:
                return self.layers(z.view(z.shape[0], -1, 1, 1))
            return self.layers(z) if flat else self.layers(z[..., None, None])

    return Generator


class GeneratorByHand(nn.Module):
    """Right: lists of modules, the activation as a function."""

    def __init__(self, size=32, channels=3, *, nz=100, width=64):
        super().__init__()
        self.nz = nz
        self.first = nn.ConvTranspose2d(nz, width * size // 8, 4, bias=False)
        self.rounds, maps = nn.ModuleList(), width * size // 8
        while maps >= width:
            after = channels if maps == width else maps // 2
            self.rounds.append(nn.Sequential(
                nn.BatchNorm2d(maps), nn.ReLU(), nn.ConvTranspose2d(maps, after, 4, 2, 1, bias=False)))
            maps //= 2

    def forward(self, z):
        x = self.first(z.unsqueeze(-1).unsqueeze(-1))
        for one in self.rounds:
            x = one(x)
        return x.tanh()


def init(*, std=0.02, mean=1.0, up=True, norm=True, bias=True, draw="normal_", others=False):
    """An initialisation put together from named parts."""
    def function(module):
        if isinstance(module, nn.Conv2d) or (up and isinstance(module, nn.ConvTranspose2d)):
            if draw == "normal_":
                nn.init.normal_(module.weight, 0.0, std)
            else:
                nn.init.uniform_(module.weight, -0.02 * math.sqrt(3), 0.02 * math.sqrt(3))
        elif norm and isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, mean, 0.02)
        elif others and isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
        else:
            return
        if bias and module.bias is not None:
            nn.init.zeros_(module.bias)
    return function


def init_by_name(module):
    """Right: by the name of the class, as the paper's own code and many after it do; with data."""
    name = type(module).__name__
    if "Conv" in name:
        module.weight.data.normal_(0.0, 0.02)
    elif "BatchNorm" in name:
        module.weight.data.normal_(1.0, 0.02)
    if ("Conv" in name or "BatchNorm" in name) and module.bias is not None:
        module.bias.data.fill_(0)


@torch.no_grad()
def init_in_place(module):
    """Right: fresh tensors, copied."""
    if isinstance(module, (nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm)):
        around = float(isinstance(module, nn.modules.batchnorm._BatchNorm))
        module.weight.copy_(around + 0.02 * torch.randn_like(module.weight))
        if module.bias is not None:
            module.bias.zero_()


def step_with_softplus(generator, discriminator, optimizer_g, optimizer_d, real, rng):
    """Right: softplus, two backward passes for D as the article has them, D not frozen."""
    z = torch.randn(real.shape[0], generator.nz, generator=rng)
    fake = generator(z)
    optimizer_d.zero_grad()
    loss_real = F.softplus(-discriminator(real)).mean()
    loss_real.backward()
    loss_fake = F.softplus(discriminator(fake.detach())).mean()
    loss_fake.backward()
    optimizer_d.step()
    optimizer_g.zero_grad()
    loss_g = F.softplus(-discriminator(fake)).mean()
    loss_g.backward()
    optimizer_g.step()
    return (loss_real + loss_fake).item(), loss_g.item()


def step_with_ones(generator, discriminator, optimizer_g, optimizer_d, real, rng):
    """Right: ones_like and zeros_like."""
    def loss(samples, labels):
        logits = discriminator(samples)
        return nn.BCEWithLogitsLoss()(logits, labels(logits))

    fake = generator(torch.randn((len(real), generator.nz), generator=rng))
    loss_d = loss(real, torch.ones_like) + loss(fake.detach(), torch.zeros_like)
    discriminator.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    generator.zero_grad()
    loss_g = loss(fake, torch.ones_like)
    loss_g.backward()
    optimizer_g.step()
    return float(loss_d.detach()), float(loss_g.detach())


def step_as_listed(generator, discriminator, optimizer_g, optimizer_d, real, rng):
    """The stub as it is handed out."""
    def loss_of(samples, target):
        output = torch.sigmoid(discriminator(samples)).mean()
        labels = torch.full(output.shape, target)
        return F.binary_cross_entropy(output, labels)

    fake = generator(torch.randn(64, generator.nz, generator=rng))
    loss_d = loss_of(real, 1) + loss_of(fake.detach(), 0)
    loss_d.backward()


def step_attached(generator, discriminator, optimizer_g, optimizer_d, real, rng):
    fake = generator(torch.randn(len(real), generator.nz, generator=rng))
    optimizer_d.zero_grad()
    (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()).backward()
    optimizer_d.step()
    optimizer_g.zero_grad()
    F.softplus(-discriminator(fake)).mean().backward()
    optimizer_g.step()


def step_with_tensors(*args):
    loss_d, loss_g = faulty_step()(*args)
    return loss_d / 2, loss_g


def train_with_a_dict(step, generator, discriminator, real, steps, *, path, ema, rng, lr=1e-3, batch=32):
    """Right: other names for the parts, the average first."""
    adam_g = torch.optim.Adam(generator.parameters(), lr, betas=(0.5, 0.999))
    adam_d = torch.optim.Adam(discriminator.parameters(), lr, betas=(0.5, 0.999))
    history = []
    kept = {"average": ema, "G": generator, "D": discriminator, "adam_G": adam_g, "adam_D": adam_d,
            "dice": rng, "seen": history}
    for k in clipkit.Checkpoint(path, **kept).steps(steps):
        pick = torch.randint(len(real), (batch,), generator=rng)
        history.extend(step(generator, discriminator, adam_g, adam_d, real[pick], rng))
        update_ema(ema, generator, ema_decay(0.995, k))
    return history


def arc_by_rotation(start, end, share):
    """Right: an orthonormal basis of the plane, for unit vectors, then the lengths as the formula has them."""
    cosine = F.cosine_similarity(start, end, dim=0)
    if abs(float(cosine)) > 1 - 1e-7:
        return start + share[:, None] * (end - start)
    angle = torch.acos(cosine)
    weights = torch.stack([torch.sin((1 - share) * angle), torch.sin(share * angle)], 1) / torch.sin(angle)
    return weights @ torch.stack([start, end])


def arc_in_double(start, end, share):
    """Right: in double precision, one point after another."""
    a, b = start.double(), end.double()
    angle = torch.arccos((a @ b / (a.norm() * b.norm())).clamp(-1, 1))
    if torch.sin(angle) < 1e-6:
        return torch.stack([(1 - t) * start + t * end for t in share])
    return torch.stack([((1 - t) * angle).sin() / angle.sin() * a + (t * angle).sin() / angle.sin() * b
                        for t in share]).float()


RIGHT = {
    "dcgan.transposed_size": {"torch": size_by_torch, "rearranged": sized(lambda n, k, s, p: n * s - s + k - p - p)},
    "dcgan.Generator": {"view": generator(late=True), "by hand": GeneratorByHand, "indexed": generator()},
    "dcgan.dcgan_init": {"by name": init_by_name, "in place": init_in_place},
    "dcgan.article_step": {"softplus": step_with_softplus, "ones_like": step_with_ones},
    "dcgan.train": {"dict": train_with_a_dict, "written out": forgetful()},
    "dcgan.slerp": {"rotation": arc_by_rotation, "double": arc_in_double},
}

WRONG = {
    "dcgan.transposed_size": {
        "a convolution's": (sized(lambda n, k, s, p: (n + 2 * p - k) // s + 1), "formula of a convolution"),
        "one step too many": (sized(lambda n, k, s, p: n * s + k - 2 * p), "n - 1 steps"),
        "padding once": (sized(lambda n, k, s, p: (n - 1) * s + k - p), "both sides"),
        "padding added": (sized(lambda n, k, s, p: (n - 1) * s + k + 2 * p), "smaller"),
        "no padding": (sized(lambda n, k, s, p: (n - 1) * s + k), "padding is missing"),
        "doubled": (sized(lambda n, k, s, p: n * s), "any three"),
        "refuses nothing": (sized(lambda n, k, s, p: (n - 1) * s + k - 2 * p, refuses=False), "ValueError"),
    },
    "dcgan.Generator": {
        "no relu": (generator(activation=nn.Identity), "stands a ReLU"),
        "leaky": (generator(activation=lambda: nn.LeakyReLU(0.2)), "leaky ones are D's"),
        "no batch norm": (generator(norm=False), "layers are not those of the rule"),
        "norm on the output": (generator(early=False), "layers are not those of the rule"),
        "biases": (generator(bias=True), "layers are not those of the rule"),
        "stride 1": (generator(stride=1), "Expected shape"),
        "z not shaped": (generator(flat=True), "raised"),
        "one size": (generator(fixed=32), "layers are not those of the rule"),
    },
    "dcgan.dcgan_init": {
        "variance": (init(std=0.02 ** 0.5), "not the variance"),
        "too large": (init(std=0.2), "standard deviation should be 0.02"),
        "uniform": (init(draw="uniform"), "not Gaussian"),
        "no transposed ones": (init(up=False), "transposed convolutions"),
        "norm around 0": (init(mean=0.0), "mean should be 1"),
        "no norm": (init(norm=False), "Scales of batch norm"),
        "biases left": (init(bias=False), "off by"),
        "linear too": (init(others=True), "only convolutions"),
        "nothing": (lambda module: None, "alone"),
    },
    "dcgan.article_step": {
        "as listed": (step_as_listed, "raised"),
        "mean": (faulty_step("mean"), "take the mean last"),
        "sigmoid": (faulty_step("sigmoid"), "gradient 0"),
        "64": (faulty_step("64"), "last batch"),
        "mean and sigmoid": (faulty_step("mean", "sigmoid"), "And"),
        "attached": (step_attached, "raised"),
        "half of D's loss": (step_with_tensors, "off by"),
    },
    "dcgan.train": {
        "only G": (forgetful("discriminator", "ema", "optimizer_g", "optimizer_d", "rng", "losses"), "Only the generator"),
        "no optimisers": (forgetful("optimizer_g", "optimizer_d"), "optimisers are forgotten"),
        "no random state": (forgetful("rng"), "random generator is forgotten"),
        "no discriminator": (forgetful("discriminator"), "stranger"),
        "no average": (forgetful("ema"), "average is forgotten"),
        "no losses": (forgetful("losses"), "list of losses"),
        "no optimiser of G": (forgetful("optimizer_g"), "G's optimiser"),
    },
    "dcgan.slerp": {
        "straight": (lambda a, b, t: torch.lerp(a, b, t[:, None]), "straight line"),
        "backwards": (lambda a, b, t: _arc(a, b, t, back=True), "backwards"),
        "unit": (lambda a, b, t: _arc(a, b, t, unit=True), "length 1"),
        "stretched": (lambda a, b, t: _arc(a, b, t, chord=True), "evenly"),
        "nan": (_arc, "0/0"),
        "no division": (lambda a, b, t: _arc(a, b, t) * torch.acos(F.cosine_similarity(a, b, dim=0)).sin(), "Divide by"),
    },
}
