"""Answers to the exercises of chapter 4; the form is that of gan_losses.py."""
import math

import torch
import torch.nn.functional as F
from torch import nn

import clipkit
from autograde.checks.dcgan import _arc, faulty_step, forgetful
from solutions import dcgan as reference
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


class NothingLeft(ValueError):
    """An error of one's own."""


def size_with_an_error_of_its_own(size, kernel, stride=1, padding=0):
    """Right: a kind of ValueError; counted row by row."""
    if not (rows := len(range((size - 1) * stride + kernel)[padding:-padding or None])):
        raise NothingLeft(f"padding {padding} cuts everything off")
    return rows


def size_that_lets_torch_refuse(size, kernel, stride=1, padding=0):
    return F.conv_transpose1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding).shape[-1]


def size_with_an_assertion(size, kernel, stride=1, padding=0):
    rows = (size - 1) * stride + kernel - 2 * padding
    assert rows > 0, "nothing is left"
    return rows


def size_refusing(refused):
    """Right rows, refused where they should not be, or not where they should."""
    def answer(size, kernel, stride=1, padding=0):
        rows = (size - 1) * stride + kernel - 2 * padding
        if refused(rows, kernel, padding):
            raise ValueError("nothing is left")
        return rows
    return answer


def generator(*, activation=nn.ReLU, norm=True, bias=False, stride=2, early=True, flat=False, fixed=None, late=False,
              order=None, end=lambda x: x, grey=False, batch_norm=nn.BatchNorm2d, nested=False):
    """A generator put together from named parts."""
    class Generator(nn.Module):
        def __init__(self, size=32, channels=3, *, nz=100, width=64):
            super().__init__()
            self.nz, size = nz, fixed or size
            widths = [width << k for k in reversed(range(size.bit_length() - 3))]
            layers = [nn.ConvTranspose2d(nz, widths[0], 4, bias=False)]
            for before, after in zip(widths, [*widths[1:], 3 if grey else channels], strict=True):
                up = nn.ConvTranspose2d(before, after, 4, stride=stride, padding=1, bias=bias)
                normalise = [batch_norm(before if early else after)] if norm else []
                some = [*normalise, activation(), up] if early else [up, *normalise, activation()]
                some = [some[k] for k in order] if order else some
                layers += [nn.Sequential(*some)] if nested else some
            self.layers = nn.Sequential(*layers, nn.Tanh())

        def forward(self, z):
            if late:
                return self.layers(z.view(z.shape[0], -1, 1, 1))
            return end(self.layers(z) if flat else self.layers(z[..., None, None]))

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


def init_replacing(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)):
        around = float(isinstance(module, nn.BatchNorm2d))
        module.weight = nn.Parameter(around + 0.02 * torch.randn(module.weight.shape))
        if module.bias is not None:
            module.bias = nn.Parameter(torch.zeros(module.bias.shape))


def init_seeded(module):
    torch.manual_seed(0)
    init()(module)


def init_of_all_with_weights(module):
    if hasattr(module, "weight"):
        nn.init.normal_(module.weight, float("Norm" in type(module).__name__), 0.02)
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)


def init_from_anew(module):
    """Wrong: what batch norm has averaged is forgotten."""
    if isinstance(module, nn.BatchNorm2d):
        module.reset_running_stats()
    init()(module)


def init_but_for_spectral_norm(module):
    """Wrong: the bias of a convolution under spectral norm stays."""
    if not hasattr(module, "parametrizations"):
        init()(module)


def init_of_all_parameters(module):
    """Wrong: under spectral norm the weights are drawn, too."""
    init()(module)
    if isinstance(module, nn.Conv2d):
        for parameter in module.parameters():
            if parameter.ndim == 4:
                nn.init.normal_(parameter, 0.0, 0.02)


def init_without_asking_for_a_bias(module):
    init()(module)
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.zeros_(module.bias)


def init_with_numbers_exchanged(module):
    init()(module)
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.02)


def init_matched(module):
    """Right: match, and the weights' own normal_."""
    with torch.no_grad():
        match module:
            case nn.Conv2d() | nn.ConvTranspose2d():
                module.weight.normal_(std=0.02)
            case nn.BatchNorm2d():
                module.weight.normal_(1, 0.02)
            case _:
                return
        if module.bias is not None:
            module.bias *= 0


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


def step_with_gradients(generator, discriminator, optimizer_g, optimizer_d, real, rng):
    """Right: torch.autograd.grad for each player alone; nothing is frozen and nothing cleared."""
    z = torch.empty(len(real), generator.nz).normal_(generator=rng)
    loss_d = -F.logsigmoid(discriminator(real)).mean() - F.logsigmoid(-discriminator(generator(z).detach())).mean()
    for player, optimizer, loss in ((discriminator, optimizer_d, lambda: loss_d),
                                    (generator, optimizer_g, lambda: -F.logsigmoid(discriminator(generator(z))).mean())):
        last, weights = loss(), list(player.parameters())
        for weight, gradient in zip(weights, torch.autograd.grad(last, weights), strict=True):
            weight.grad = gradient
        optimizer.step()
    return loss_d.item(), last.item()


def step_cleared_at_the_end(*args):
    """Right: gradients cleared behind each step of an optimiser."""
    losses = faulty_step("stale D", "stale G")(*args)
    args[2].zero_grad()
    args[3].zero_grad()
    return losses


def step_frozen_for_good(generator, discriminator, *others):
    losses = faulty_step()(generator, discriminator, *others)
    discriminator.requires_grad_(False)
    return losses


def step_with_a_generator_of_its_own(generator, discriminator, optimizer_g, optimizer_d, real, rng):
    return faulty_step()(generator, discriminator, optimizer_g, optimizer_d, real, torch.Generator().manual_seed(0))


def step_giving(compute):
    """A right step that returns something else of its two losses."""
    return lambda *args: compute(*faulty_step()(*args))


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


def train_with_a_list_of_modules(step, generator, discriminator, real, steps, *, path, ema, rng, lr=1e-3, batch=32):
    """Right: the networks in one part, the losses in a dict."""
    adams = [torch.optim.Adam(net.parameters(), lr, betas=(0.5, 0.999)) for net in (generator, discriminator)]
    log = {"all": []}
    networks = nn.ModuleList([generator, discriminator, ema])
    checkpoint = clipkit.Checkpoint(path, networks=networks, g=adams[0], d=adams[1], rng=rng, log=log)
    for k in checkpoint.steps(steps):
        some = real[torch.randint(len(real), (batch,), generator=rng)]
        log["all"].extend(step(generator, discriminator, *adams, some, rng))
        update_ema(ema, generator, ema_decay(0.995, k))
    return log["all"]


def train_at_one_rate(*args, lr=1e-3, **others):
    return forgetful()(*args, **others)


def train_giving_pairs(*args, **others):
    losses = forgetful()(*args, **others)
    return list(zip(losses[::2], losses[1::2], strict=True))


def train_with_a_copy_of_the_losses(step, generator, discriminator, real, steps, *, path, ema, rng, lr=1e-3, batch=32):
    adams = [torch.optim.Adam(net.parameters(), lr, betas=(0.5, 0.999)) for net in (generator, discriminator)]
    losses = []
    checkpoint = clipkit.Checkpoint(path, G=generator, D=discriminator, ema=ema, g=adams[0], d=adams[1], rng=rng,
                                    losses=list(losses))
    for k in checkpoint.steps(steps):
        some = real[torch.randint(len(real), (batch,), generator=rng)]
        losses += step(generator, discriminator, *adams, some, rng)
        update_ema(ema, generator, ema_decay(0.995, k))
    return losses


def arc_by_rotation(start, end, share):
    """Right: an orthonormal basis of the plane, for unit vectors, then the lengths as the formula has them."""
    cosine = F.cosine_similarity(start, end, dim=0)
    if abs(float(cosine)) > 1 - 5e-7:
        return start + share[:, None] * (end - start)
    angle = torch.acos(cosine)
    weights = torch.stack([torch.sin((1 - share) * angle), torch.sin(share * angle)], 1) / torch.sin(angle)
    return weights @ torch.stack([start, end])


def arc_in_double(start, end, share):
    """Right: in double precision, one point after another."""
    a, b = start.double(), end.double()
    angle = torch.arccos((a @ b / (a.norm() * b.norm())).clamp(-1, 1))
    if torch.sin(angle) < 1e-3:
        return torch.stack([(1 - t) * start + t * end for t in share])
    return torch.stack([((1 - t) * angle).sin() / angle.sin() * a + (t * angle).sin() / angle.sin() * b
                        for t in share]).float()


def arc_by_tangent(start, end, share):
    """Right: the angle from the lengths of sum and difference, which no rounding bends."""
    a, b = start / torch.linalg.norm(start), end / torch.linalg.norm(end)
    angle = 2 * torch.atan2(torch.linalg.norm(a - b), torch.linalg.norm(a + b))
    if torch.sin(angle).abs() < 1e-3:
        return torch.outer(1 - share, start) + torch.outer(share, end)
    return (torch.outer(torch.sin(angle - share * angle), start) + torch.outer(torch.sin(share * angle), end)) / angle.sin()


def guarded(instead, *, same=True, opposite=True):
    """The formula, and something else where its sine is 0."""
    def answer(start, end, share):
        cosine = F.cosine_similarity(start, end, dim=0).clamp(-1, 1)
        if (same and cosine > 1 - 5e-7) or (opposite and cosine < -1 + 5e-7):
            return instead(start, end, share)
        angle, share = torch.acos(cosine), share[:, None]
        return (((1 - share) * angle).sin() * start + (share * angle).sin() * end) / angle.sin()
    return answer


def straight(start, end, share):
    return torch.lerp(start, end, share[:, None])


def arc_between_rotations(start, end, share):
    """Wrong: the shorter way round, as quaternions go; a line where they are near each other."""
    end = -end if start @ end < 0 else end
    return guarded(straight)(start, end, share)


def arc_or_a_line(start, end, share):
    """Wrong: the line from a sine of 0.03 on, as many a listing has it."""
    near = F.cosine_similarity(start, end, dim=0).abs() > 0.9995
    return (straight if near else guarded(straight))(start, end, share)


def arc_with_a_little_below(start, end, share):
    angle, share = torch.acos(F.cosine_similarity(start, end, dim=0).clamp(-1, 1)), share[:, None]
    return (((1 - share) * angle).sin() * start + (share * angle).sin() * end) / (angle.sin() + 1e-8)


def refuses_wide_paddings(size, kernel, stride=1, padding=0):
    """Wrong: rows are left, however wide the padding."""
    rows = (size - 1) * stride + kernel - 2 * padding
    if rows < 1 or padding >= kernel:
        raise ValueError(f"nothing is left: {rows} rows")
    return rows


RIGHT = {
    "dcgan.transposed_size": {"torch": size_by_torch, "rearranged": sized(lambda n, k, s, p: n * s - s + k - p - p),
                              "error of its own": size_with_an_error_of_its_own},
    "dcgan.Generator": {"view": generator(late=True), "by hand": GeneratorByHand, "indexed": generator(),
                        "a Sequential a round": generator(nested=True)},
    "dcgan.dcgan_init": {"by name": init_by_name, "in place": init_in_place, "matched": init_matched},
    "dcgan.article_step": {"softplus": step_with_softplus, "ones_like": step_with_ones, "gradients": step_with_gradients,
                           "cleared at the end": step_cleared_at_the_end},
    "dcgan.train": {"dict": train_with_a_dict, "written out": forgetful(), "modules in one": train_with_a_list_of_modules},
    "dcgan.slerp": {"rotation": arc_by_rotation, "double": arc_in_double, "tangent": arc_by_tangent},
}

WRONG = {
    "dcgan.transposed_size": {
        "refuses wide paddings": (refuses_wide_paddings, "refuse only where"),
        "a convolution's": (sized(lambda n, k, s, p: (n + 2 * p - k) // s + 1), "formula of a convolution"),
        "one step too many": (sized(lambda n, k, s, p: n * s + k - 2 * p), "n - 1 steps"),
        "padding once": (sized(lambda n, k, s, p: (n - 1) * s + k - p), "both sides"),
        "padding added": (sized(lambda n, k, s, p: (n - 1) * s + k + 2 * p), "smaller"),
        "no padding": (sized(lambda n, k, s, p: (n - 1) * s + k), "padding is missing"),
        "doubled": (sized(lambda n, k, s, p: n * s), "any three"),
        "refuses nothing": (sized(lambda n, k, s, p: (n - 1) * s + k - 2 * p, refuses=False), "ValueError"),
        "0 rows are some": (size_refusing(lambda rows, k, p: rows < 0), "0 rows are left"),
        "1 row is nothing": (size_refusing(lambda rows, k, p: rows <= 1), "only where less than one row"),
        "as much padding as kernel": (size_refusing(lambda rows, k, p: 2 * p >= k), "only where less than one row"),
        "an assertion": (size_with_an_assertion, "raise a ValueError"),
        "a float": (sized(lambda n, k, s, p: (n - 1.0) * s + k - 2 * p), "no float"),
        "torch's error": (size_that_lets_torch_refuse, "raise a ValueError"),
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
        "relu first": (generator(order=(1, 0, 2)), "stands in front of batch norm"),
        "relu last": (generator(order=(0, 2, 1)), "loses all that is below 0"),
        "instance norm": (generator(batch_norm=lambda n: nn.InstanceNorm2d(n, affine=True)), "each image on its own"),
        "no running averages": (generator(batch_norm=lambda n: nn.BatchNorm2d(n, track_running_stats=False)),
                                "running averages"),
        "tanh twice": (generator(end=torch.tanh), "two tanh"),
        "from 0 to 1": (generator(end=lambda x: x / 2 + 0.5), "bring them to [0, 1]"),
        "detached": (generator(end=torch.Tensor.detach), "No gradient"),
        "squeezed": (generator(end=torch.squeeze), "squeeze() drops"),
        "always 3 channels": (generator(grey=True), "number of channels, written into it"),
        "relu up to 6": (generator(activation=nn.ReLU6), "numbers differ"),
    },
    "dcgan.dcgan_init": {
        "the whole tree": (lambda module: [reference.dcgan_init(one) for one in module.modules()] and None, "one module"),
        "variance": (init(std=0.02 ** 0.5), "not the variance"),
        "too large": (init(std=0.2), "standard deviation should be 0.02"),
        "uniform": (init(draw="uniform"), "not Gaussian"),
        "no transposed ones": (init(up=False), "transposed convolutions"),
        "norm around 0": (init(mean=0.0), "mean should be 1"),
        "no norm": (init(norm=False), "Scales of batch norm"),
        "biases left": (init(bias=False), "left as they were"),
        "linear too": (init(others=True), "only convolutions"),
        "whatever has a weight": (init_of_all_with_weights, "changes a Linear layer"),
        "numbers exchanged": (init_with_numbers_exchanged, "the mean comes first"),
        "a bias always": (init_without_asking_for_a_bias, "may have no bias"),
        "replaced": (init_replacing, "puts new parameters"),
        "seeded": (init_seeded, "same numbers"),
        "averages forgotten": (init_from_anew, "running mean"),
        "not under spectral norm": (init_but_for_spectral_norm, "under spectral norm"),
        "all parameters": (init_of_all_parameters, "keeps its weights"),
        "nothing": (lambda module: None, "alone"),
    },
    "dcgan.article_step": {
        "at most 64": (lambda g, d, og, od, real, rng: reference.article_step(g, d, og, od, real[:64], rng), "numbers differ"),
        "together": (faulty_step("together"), "in one batch"),
        "as listed": (step_as_listed, "raised"),
        "mean": (faulty_step("mean"), "take the mean last"),
        "sigmoid": (faulty_step("sigmoid"), "gradient 0"),
        "64": (faulty_step("64"), "last batch"),
        "mean and sigmoid": (faulty_step("mean", "sigmoid"), "And"),
        "attached": (step_attached, "raised"),
        "half of D's loss": (step_with_tensors, "you return half"),
        "losses exchanged": (step_giving(lambda d, g: (g, d)), "D's loss comes first"),
        "tensors": (step_giving(lambda d, g: (torch.tensor(d), torch.tensor(g))), "Return floats"),
        "one loss": (step_giving(lambda d, g: d + g), "two numbers"),
        "frozen for good": (step_frozen_for_good, "requires_grad_(True) again"),
        "noise of its own": (step_with_a_generator_of_its_own, "Nothing is drawn from `rng`"),
        **{name: (faulty_step(name), words) for name, words in {
            "twice": "taken twice", "evaluation": "another mode",
            "sum": "take their mean", "half": "you halve it", "smooth": "your 1 is smaller", "exchanged": "are exchanged",
            "stale D": "D's gradients of the step before", "saturating": "saturating loss", "helpful": "G helps D",
            "before": "the D before its step", "fresh": "New fakes", "stale G": "G's gradients of the step before",
            "still": "G does not move"}.items()},
    },
    "dcgan.train": {
        "only G": (forgetful("discriminator", "ema", "optimizer_g", "optimizer_d", "rng", "losses"), "Only the generator"),
        "no optimisers": (forgetful("optimizer_g", "optimizer_d"), "optimisers are forgotten"),
        "no random state": (forgetful("rng"), "random generator is forgotten"),
        "no discriminator": (forgetful("discriminator"), "stranger"),
        "no average": (forgetful("ema"), "average is forgotten"),
        "no losses": (forgetful("losses"), "list itself"),
        "no optimiser of G": (forgetful("optimizer_g"), "G's optimiser"),
        "networks alone": (forgetful("optimizer_g", "optimizer_d", "rng", "losses", "ema"),
                           "optimisers and the random generator"),
        "at one rate": (train_at_one_rate, "`lr` is an argument"),
        "in pairs": (train_giving_pairs, "not in pairs"),
        "a copy of the losses": (train_with_a_copy_of_the_losses, "keep the list itself"),
    },
    "dcgan.slerp": {
        "straight": (straight, "straight line"),
        "backwards": (lambda a, b, t: _arc(a, b, t, "back"), "backwards"),
        "unit": (lambda a, b, t: _arc(a, b, t, "unit"), "length 1"),
        "stretched": (lambda a, b, t: _arc(a, b, t, "chord"), "evenly"),
        "nan": (_arc, "0/0"),
        "no division": (lambda a, b, t: _arc(a, b, t, "no division"), "Divide by"),
        "lengths forgotten": (lambda a, b, t: _arc(a, b, t, "lengths forgotten"), "divided by their *lengths*"),
        "lengths evenly": (lambda a, b, t: _arc(a, b, t, "between"), "change the length evenly"),
        "opposite ones forgotten": (guarded(straight, opposite=False), "opposite directions"),
        "the same direction forgotten": (guarded(straight, same=False), "the same direction"),
        "the start instead": (guarded(lambda a, b, t: a.expand(len(t), -1)), "stands still"),
        "zeros instead": (lambda a, b, t: _arc(a, b, t).nan_to_num(), "straight line"),
        "between rotations": (arc_between_rotations, "turned round"),
        "a line too early": (arc_or_a_line, "takes the straight line"),
        "a little below": (arc_with_a_little_below, "take the straight line"),
        "squeezed": (lambda a, b, t: guarded(straight)(a, b, t).squeeze(), "Expected shape"),
    },
}
