"""Chapter 8: from one domain to another without pairs (CycleGAN), and filling what is missing.

Two domains, a and b, travel as pairs (B, 2, C, H, W): first an image of a, then one of b, which have nothing to do
with each other. So one generator holds both directions, one discriminator judges both domains, and the one trainer
serves: with generator(z, pair) = (b as a, a as b), two of the three losses are one more call each.
"""
from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from solutions.training.losses import least_squares_d, least_squares_g


class Residual(nn.Module):
    """x + f(x), f being two convolutions: a block that has to learn
    only what should change.

    Args:
        width: maps that come in and go out.
    Source: He et al. 2016; Johnson et al. 2016.
    """

    def __init__(self, width: int):
        super().__init__()
        layers = []
        for last in (nn.ReLU(), nn.Identity()):
            layers += [
                nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"),
                nn.InstanceNorm2d(width), last]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Translator(nn.Module):
    """An image of one domain to one of the other, of the same size.

    Args:
        channels: of an image, 1 or 3.
        width: maps of the first layer; twice as many after each halving.
        halvings: how often the size is halved before the blocks, and
            doubled after them.
        blocks: how many residual blocks. The paper: width 64, 2
            halvings, 6 blocks for 128 x 128.
    Source: Zhu et al. 2017, appendix 7.2; Johnson et al. 2016.
    """

    def __init__(
        self, channels: int = 3, *,
        width: int = 64, halvings: int = 2, blocks: int = 6,
    ):
        super().__init__()
        widths = [width << k for k in range(halvings + 1)]

        def normed(layer: nn.Module, maps: int) -> list[nn.Module]:
            return [layer, nn.InstanceNorm2d(maps), nn.ReLU()]

        def wide(before: int, after: int) -> nn.Module:
            return nn.Conv2d(
                before, after, 7, padding=3, padding_mode="reflect")

        layers = normed(wide(channels, width), width)
        for few, many in pairwise(widths):
            down = nn.Conv2d(few, many, 3, stride=2, padding=1)
            layers += normed(down, many)
        layers += [Residual(widths[-1]) for _ in range(blocks)]
        for many, few in pairwise(widths[::-1]):
            up = nn.ConvTranspose2d(many, few, 4, stride=2, padding=1)
            layers += normed(up, few)
        self.layers = nn.Sequential(*layers, wide(width, channels), nn.Tanh())

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) to images of that shape, in [-1, 1]; H and
        W are multiples of 2 ** halvings."""
        return self.layers(images)


class PatchDiscriminator(nn.Module):
    """An image to a map of logits: each judges one patch, and knows of
    the rest no more than the instance norms' means and variances.

    Args:
        channels: of an image, 1 or 3.
        width: maps of the first layer.
        halvings: how often the size is halved, at least 1. With 1, 2 and
            3 a patch has 16, 34 and 70 pixels; 3 is the paper's.
    Source: Isola et al. 2017, section 3.2.2; Zhu et al. 2017, appendix
        7.2.
    """

    def __init__(
        self, channels: int = 3, *, width: int = 64, halvings: int = 3,
    ):
        super().__init__()
        layers = [
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2)]
        for k in range(halvings):
            # BEGIN SOLUTION
            before, after = width << k, width << k + 1
            stride = 2 if k < halvings - 1 else 1
            narrow = nn.Conv2d(before, after, 4, stride, padding=1)
            norm = nn.InstanceNorm2d(after)
            layers += [narrow, norm, nn.LeakyReLU(0.2)]
            # END SOLUTION
        last = nn.Conv2d(width << halvings, 1, 4, padding=1)
        self.layers = nn.Sequential(*layers, last)

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) to logits (B, h, w)."""
        # BEGIN SOLUTION
        return self.layers(images)[:, 0]
        # END SOLUTION


class TwoWayGenerator(nn.Module):
    """Both directions as one generator. It needs no noise: nz is 0.

    Args:
        examples: pairs (K, 2, C, H, W), kept with the weights, to show
            what the generator does.
        a_to_b, b_to_a: networks from images to images.
    """

    nz = 0
    examples: Tensor

    def __init__(
        self, examples: Tensor, a_to_b: nn.Module, b_to_a: nn.Module,
    ):
        super().__init__()
        self.a_to_b, self.b_to_a = a_to_b, b_to_a
        self.register_buffer("examples", examples.clone())

    def forward(self, z: Tensor | None, pair: Tensor) -> Tensor:
        """Pairs (B, 2, C, H, W) of a and b to pairs of that shape, again
        a first: b as a, a as b. z is ignored."""
        a, b = pair.unbind(1)
        return torch.stack([self.b_to_a(b), self.a_to_b(a)], 1)


class TwoWayDiscriminator(nn.Module):
    """A judge for each domain, as one discriminator.

    Args:
        judge_a, judge_b: networks from images to logits (B, *).
    """

    def __init__(self, judge_a: nn.Module, judge_b: nn.Module):
        super().__init__()
        self.judge_a, self.judge_b = judge_a, judge_b

    def forward(self, pair: Tensor, *_) -> Tensor:
        """Pairs (B, 2, C, H, W) to logits (B, 2, *): is the first of
        domain a, is the second of domain b."""
        a, b = pair.unbind(1)
        return torch.stack([self.judge_a(a), self.judge_b(b)], 1)


def cycle_loss(generator: nn.Module, pair: Tensor, fake: Tensor) -> Tensor:
    """There and back again: the mean absolute difference between images
    and what two translations leave of them.

    Args:
        generator: called as generator(None, pair), gives (b as a, a as
            b), a pair of a and b again, like `TwoWayGenerator`.
        pair: (B, 2, C, H, W), a first.
        fake: generator(None, pair), computed before.
    Returns:
        One number, the mean over all pixels of both domains: 0 where
        each direction undoes the other.
    Source: Zhu et al. 2017, eq. 2.
    """
    return F.l1_loss(generator(None, fake), pair)


def identity_loss(generator: nn.Module, pair: Tensor) -> Tensor:
    """What is in the target domain already should stay as it is: the
    mean absolute change of b by a_to_b, and of a by b_to_a.

    Args:
        generator: called as generator(None, pair), gives (b_to_a of the
            second, a_to_b of the first), like `TwoWayGenerator`.
        pair: (B, 2, C, H, W), a first.
    Returns:
        One number, the mean over all pixels of both domains.
    Source: Zhu et al. 2017, section 5.2.
    """
    return F.l1_loss(generator(None, pair.flip(1)), pair)


class FakeHistory:
    """Old fakes for the discriminator, so that it does not forget
    yesterday's tricks.

    Args:
        size: how many are kept; 50 in the paper.
        seed: of the choice.
    Source: Shrivastava et al. 2017, section 2.3; Zhu et al. 2017,
        section 4.
    """

    def __init__(self, size: int = 50, seed: int = 0):
        self.size, self.kept = size, []
        self.rng = torch.Generator().manual_seed(seed)

    def exchange(self, fakes: Tensor) -> Tensor:
        """Fakes (B, *) of now or of old, without their graph.

        One after the other: while there is room, a fake is kept, and
        comes back as it is. Then, with probability 1/2, it comes back
        and is not kept; else it takes the place of a kept one, drawn
        uniformly, and that one comes back instead.
        """
        # BEGIN SOLUTION
        shown = []
        for fake in fakes.detach():
            if len(self.kept) < self.size:
                self.kept.append(fake.clone())
            elif torch.rand((), generator=self.rng) < 0.5:
                place = int(torch.randint(
                    self.size, (), generator=self.rng))
                fake, self.kept[place] = self.kept[place], fake.clone()
            shown.append(fake)
        return torch.stack(shown)
        # END SOLUTION


def cycle_step(
    generator: nn.Module, discriminator: nn.Module,
    optimizer_g: Optimizer, optimizer_d: Optimizer, pair: Tensor, *,
    remember: Callable[[Tensor], Tensor] = torch.clone,
    extra: Callable[[Tensor, Tensor], Tensor | float] = lambda pair, fake: 0,
) -> tuple[Tensor, Tensor]:
    """One step of CycleGAN: first both judges learn, then both
    directions, against the judges that have learnt.

    The generator translates `pair` once. D's loss sends no gradient into
    it; its own turn leaves D's weights alone. Both players have the
    least-squares loss.

    Args:
        generator: called as generator(None, pair); gives fake pairs.
        discriminator: pairs to logits, of any shape.
        pair: (B, 2, C, H, W).
        remember: remember(fake), of fakes without a graph, gives the
            ones that D is shown as fake.
        extra: extra(pair, fake) is what the generator's loss has more;
            fake is what it has just made, with its graph.
    Returns:
        D's loss and the generator's, extra included; detached.
    Source: Zhu et al. 2017, sections 3 and 4.
    """
    fake = generator(None, pair)
    shown = remember(fake.detach())
    loss_d = least_squares_d(discriminator(pair), discriminator(shown))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()

    discriminator.requires_grad_(False)
    loss_g = least_squares_g(discriminator(fake)) + extra(pair, fake)
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    discriminator.requires_grad_(True)
    return loss_d.detach(), loss_g.detach()


def fill(network: nn.Module, images: Tensor, mask: Tensor) -> Tensor:
    """Images with their holes filled by the network.

    The network is shown the image with zeros in the hole, and the mask
    as one more channel behind the colours: (B, C + 1, H, W). It paints a
    whole image (B, C, H, W), of which only what lies in the hole is
    taken.

    Args:
        images: (B, C, H, W), whole ones.
        mask: (B, 1, H, W), 1 in the hole, 0 around it.
    Returns:
        (B, C, H, W), outside the hole equal to `images`.
    Source: Pathak et al. 2016, section 3.
    """
    covered = torch.cat([images * (1 - mask), mask], 1)
    return torch.lerp(images, network(covered).to(images), mask)


def hole_error(filled: Tensor, images: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error in the holes.

    Args:
        filled, images: (B, C, H, W).
        mask: (B, 1, H, W), 1 in the hole.
    Returns:
        (B,), the mean over channels and the hole's pixels, whatever lies
        around it.
    Source: Pathak et al. 2016, eq. 1, as a mean.
    """
    squares = ((filled - images) * mask).square().sum((1, 2, 3))
    return squares / (mask.sum((1, 2, 3)) * images.shape[1])


def fill_step(
    painter: Callable, judge: nn.Module,
    painter_optimizer: Optimizer, judge_optimizer: Optimizer,
    images: Tensor, mask: Tensor, *, weight: float = 20.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """One step of an autoencoder GAN: the judge learns to tell whole
    images from filled ones, then the painter learns to fill.

    Args:
        painter: painter(images, mask) gives filled images; it is any
            function, and its optimizer knows its weights.
        judge: images to logits.
        images: (B, C, H, W).
        mask: (B, 1, H, W), 1 in the hole.
        weight: of the mean `hole_error` beside the non-saturating loss.
    Returns:
        The judge's loss, the painter's adversarial loss, and the mean
        error in the holes, unweighted; detached.
    Source: Pathak et al. 2016, eq. 3.
    """
    filled = painter(images, mask)
    whole_loss = F.softplus(-judge(images)).mean()
    filled_loss = F.softplus(judge(filled.detach())).mean()
    judge_loss = whole_loss + filled_loss
    # BEGIN SOLUTION
    judge_optimizer.zero_grad()
    # STUB # the judge learns
    # END SOLUTION
    judge_loss.backward()
    judge_optimizer.step()

    # BEGIN SOLUTION
    logits = judge(filled)
    # STUB logits = judge(filled.detach())
    # END SOLUTION
    # BEGIN SOLUTION
    fooled = F.softplus(-logits).mean()
    # STUB fooled = F.softplus(logits).mean()
    # END SOLUTION
    # BEGIN SOLUTION
    error = hole_error(filled, images, mask).mean()
    # STUB error = hole_error(filled, images, 1 - mask).mean()
    # END SOLUTION
    painter_optimizer.zero_grad()
    (fooled + weight * error).backward()
    painter_optimizer.step()
    return judge_loss.detach(), fooled.detach(), error.detach()


what_the_cycle_knows = """
The adversarial losses ask that translated images look like the target domain, as a whole: that their distributions agree. The
cycle asks that the way back exists: the second direction undoes the first. Together they say that the map is one to one
between the domains. They do not say which one to one map. Take a perfect pair of directions and a permutation of domain b that
keeps its distribution, say one that gives every blue shirt to those in red and so on round. Apply it after a_to_b and its
inverse before b_to_a: translations are as many and as real as before and every cycle closes, so no loss changes. Whether the
right person stands in the translation is decided by something else: the architecture, which finds it easier to keep a pixel
than to change it, the identity loss, which asks that target images stay, or luck. A cycle may also close by cheating, where the
target has no room for what must come back: a pattern too faint to be seen carries it, and a little noise destroys it.

The squared error has its minimum at the mean: E[(c - x)^2 | what is seen] = Var[x | seen] + (c - E[x | seen])^2. Where a
hole could hold a blue or a red shirt, the best c is the mixture, a violet that nobody wears; of many sharp possibilities
the mean is blurred. An adversarial loss punishes what no image has, so the network has to choose one possibility. If it
chooses as the data do, its expected squared error is twice the variance: 3 dB of PSNR less than the blur. So PSNR ranks the
blur first, and PSNR alone cannot say which filling is better.
"""


@torch.no_grad()
def translate(network: nn.Module, clips: Tensor) -> Tensor:
    """Clips (B, T, C, H, W) in another domain, frame by frame: the
    network sees no time."""
    return network(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])
