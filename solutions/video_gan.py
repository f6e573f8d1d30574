"""Chapter 10: clips from two streams (VideoGAN), and from content and motion (MoCoGAN).

Inside a network made of 3-D convolutions clips are (B, C, T, H, W), as `Conv3d` has it; they are (B, T, C, H, W)
wherever they come in or go out.
"""
from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from solutions.dcgan import Discriminator, Generator
from solutions.networks.layers import num_doublings
from solutions.stability import pairing_losses, r1_penalty


def time_strides(num_frames: int, size: int) -> list[int]:
    """How each halving of height and width treats time: 2 halves it
    too, 1 leaves alone what has become odd.

    16 frames of 64 x 64: [2, 2, 2, 2], one frame at 4 x 4.
    8 frames of 64 x 64: [2, 2, 2, 1].

    Raises:
        ValueError: fewer than 4 frames or an odd number of them, or a
            size that is no power of two from 16 on.
    """
    if num_frames < 4 or num_frames % 2:
        raise ValueError(
            "expected clips of an even number of frames, at least 4, got "
            f"{num_frames}: ask the data for num_frames=8 or 16")
    strides = []
    for _ in range(num_doublings(size)):
        strides.append(1 if num_frames % 2 else 2)
        num_frames //= strides[-1]
    return strides


def compose(foreground: Tensor, mask: Tensor, background: Tensor) -> Tensor:
    """What moves, laid over what stands still: m f + (1 - m) b.

    Args:
        foreground: (B, T, C, H, W).
        mask: (B, T, 1, H, W), in [0, 1]: 1 shows the foreground, 0 the
            background.
        background: (B, C, H, W), the same in every frame.
    Returns:
        Clips (B, T, C, H, W), between foreground and background.
    Source: Vondrick et al. 2016, section 2.2.
    """
    return mask * foreground + (1 - mask) * background[:, None]


class VideoGenerator(nn.Module):
    """Noise to a clip in two streams: 3-D transposed convolutions make
    what moves and its mask, a DCGAN generator makes one background.

    Args:
        num_frames: T, even and at least 4.
        size: height and width, a power of two of at least 16.
        channels: of a frame, 1 or 3.
        nz: length of z, which both streams see.
        width: channels at half of the size; doubled at each halving,
            down to 4 x 4.
    Attributes:
        mask: in training, that of the last clips, with its graph;
            evaluation leaves it alone.
    Source: Vondrick et al. 2016, figure 1.
    """

    def __init__(
        self, num_frames: int = 16, size: int = 32, channels: int = 3, *,
        nz: int = 100, width: int = 64,
    ):
        super().__init__()
        self.nz, self.mask = nz, None
        self.background = Generator(size, channels, nz=nz, width=width)
        strides = time_strides(num_frames, size)
        widths = [width << k for k in reversed(range(len(strides)))]
        first = num_frames // math.prod(strides)  # frames at 4 x 4
        layers = [nn.ConvTranspose3d(
            nz, widths[0], (first, 4, 4), bias=False)]
        for before, after, stride in zip(
                widths, [*widths[1:], channels + 1], reversed(strides)):
            layers += [nn.BatchNorm3d(before), nn.ReLU(inplace=True)]
            layers.append(nn.ConvTranspose3d(
                before, after, (2 + stride, 4, 4), (stride, 2, 2),
                padding=1, bias=False))
        self.volume = nn.Sequential(*layers)  # (B, C + 1, T, H, W)

    def streams(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """z (B, nz) to foreground (B, T, C, H, W) in [-1, 1], mask
        (B, T, 1, H, W) in [0, 1] and background (B, C, H, W)."""
        # BEGIN SOLUTION
        volume = self.volume(z[:, :, None, None, None]).transpose(1, 2)
        volume = volume.contiguous()  # laid out so: tanh is then fast
        foreground = volume[:, :, :-1].tanh()
        mask = volume[:, :, -1:].sigmoid()
        return foreground, mask, self.background(z)
        # END SOLUTION

    def forward(self, z: Tensor) -> Tensor:
        """z (B, nz) to clips (B, T, C, H, W), in [-1, 1]."""
        foreground, mask, background = self.streams(z)
        if self.training:
            self.mask = mask
        return compose(foreground, mask, background)


class VideoDiscriminator(nn.Module):
    """A clip to a logit, by strided 3-D convolutions: it sees motion as
    well as looks.

    The paper norms its batches; here R1 keeps the network smooth, and a
    logit depends on its own clip alone: no norm.

    Args:
        num_frames: T, even and at least 4.
        size: height and width, a power of two of at least 16.
        channels: of a frame, 1 or 3.
        width: channels at half of the size; doubled at each halving,
            down to 4 x 4.
    Source: Vondrick et al. 2016, section 2.3.
    """

    def __init__(
        self, num_frames: int = 16, size: int = 32, channels: int = 3, *,
        width: int = 64,
    ):
        super().__init__()
        strides = time_strides(num_frames, size)
        widths = [width << k for k in range(len(strides))]
        layers = []
        for before, after, stride in zip(
                [channels, *widths], widths, strides):
            # BEGIN SOLUTION
            halve = nn.Conv3d(
                before, after, (2 + stride, 4, 4),
                stride=(stride, 2, 2), padding=1)
            layers += [halve, nn.LeakyReLU(0.2, inplace=True)]
            # END SOLUTION
        last = num_frames // math.prod(strides)  # frames at 4 x 4
        head = nn.Conv3d(widths[-1], 1, (last, 4, 4))
        self.layers = nn.Sequential(*layers, head)

    def forward(self, clips: Tensor) -> Tensor:
        """Clips (B, T, C, H, W) to logits (B,)."""
        # BEGIN SOLUTION
        return self.layers(clips.transpose(1, 2)).flatten()
        # END SOLUTION


def motion_codes(cell: nn.GRUCell, noise: Tensor) -> Tensor:
    """A walk through motion codes: h_t = GRU(noise_t, h_{t-1}), h_0 = 0.

    Args:
        cell: takes noise (B, M) and the last code (B, H), gives the next
            code (B, H).
        noise: (B, T, M), new noise for each frame.
    Returns:
        (B, T, H), the codes h_1 to h_T; gradients go back through all
        of the walk, into the noise and into the cell's weights.
    Source: Tulyakov et al. 2018, section 3.
    """
    code = noise.new_zeros(len(noise), cell.hidden_size)
    walk = []
    for shock in noise.unbind(1):
        code = cell(shock, code)
        walk.append(code)
    return torch.stack(walk, 1)


class MotionGenerator(nn.Module):
    """Noise to a clip, frame by frame: a content code that stays, and a
    motion code that a GRU moves on.

    z holds the content code, then noise for each frame: a longer z makes
    a longer clip. No clip knows of the others in its batch (but for
    batch norm, in training).

    Args:
        num_frames: T of a z of length nz, at least 1.
        size: height and width, a power of two of at least 16.
        channels: of a frame, 1 or 3.
        content: length of the content code.
        motion: length of the motion code; nz = content + T * motion.
        width: of the `Generator` that makes each frame.
    Source: Tulyakov et al. 2018, figure 2.
    """

    def __init__(
        self, num_frames: int = 16, size: int = 32, channels: int = 3, *,
        content: int = 50, motion: int = 10, width: int = 64,
    ):
        super().__init__()
        self.content, self.motion = content, motion
        self.nz = content + num_frames * motion
        # BEGIN SOLUTION
        self.walk = nn.GRU(motion, motion, batch_first=True)
        # STUB self.walk = nn.GRU(motion, motion)
        # END SOLUTION
        self.frame = Generator(
            size, channels, nz=content + motion, width=width)

    def codes(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (B, content + T * motion) to the codes of each frame:
        content (B, T, content) and motion (B, T, motion)."""
        count = (z.shape[1] - self.content) // self.motion  # T
        # BEGIN SOLUTION
        noise = z[:, self.content:].unflatten(1, (count, self.motion))
        # STUB noise = z[:, None, -self.motion:].expand(-1, count, -1)
        # END SOLUTION
        motion, _ = self.walk(noise)
        content = z[:, None, :self.content].expand(-1, count, -1)
        return content, motion

    def forward(self, z: Tensor) -> Tensor:
        """z (B, content + T * motion) to clips (B, T, C, H, W), in
        [-1, 1]."""
        codes = torch.cat(self.codes(z), 2)  # (B, T, content + motion)
        frames = self.frame(codes.flatten(0, 1))  # (B * T, C, H, W)
        count, length = codes.shape[:2]
        # BEGIN SOLUTION
        clips = frames.unflatten(0, (count, length))
        # STUB clips = frames.unflatten(0, (length, count)).transpose(0, 1)
        # END SOLUTION
        return clips


def frames_in_turn(clips: Tensor) -> Tensor:
    """One frame of each clip, (B, C, H, W): the first of the first clip,
    the second of the second, and so on.

    The clips of a batch are drawn at random, so this is as good as a
    random frame of each, and the same every time.

    Args:
        clips: (B, T, C, H, W).
    """
    index = torch.arange(len(clips), device=clips.device)
    return clips[index, index % clips.shape[1]]


class MotionDiscriminator(nn.Module):
    """A clip to two logits: one network judges a single frame, another
    the clip.

    Args:
        num_frames: T, even and at least 4.
        size: height and width, a power of two of at least 16.
        channels: of a frame, 1 or 3.
        width: of both networks.
    Source: Tulyakov et al. 2018, section 3.
    """

    def __init__(
        self, num_frames: int = 16, size: int = 32, channels: int = 3, *,
        width: int = 64,
    ):
        super().__init__()
        self.image = Discriminator(size, channels, width=width, norm="none")
        self.video = VideoDiscriminator(
            num_frames, size, channels, width=width)

    def forward(self, clips: Tensor) -> Tensor:
        """Clips (B, T, C, H, W) to logits (B, 2): of the frame that
        `frames_in_turn` picks, then of the clip."""
        # BEGIN SOLUTION
        of_frame = self.image(frames_in_turn(clips))
        return torch.stack([of_frame, self.video(clips)], 1)
        # END SOLUTION


def clip_step(
    generator: nn.Module, discriminator: nn.Module,
    optimizer_g: Optimizer, optimizer_d: Optimizer,
    real: Tensor, z: Tensor, *,
    gamma: float = 0.0, extra: Callable[[], Tensor | float] = lambda: 0.0,
) -> tuple[Tensor, Tensor]:
    """One step with the pairing losses: first D learns, then G, from the
    same fake clips.

    G runs once. D's loss sends no gradient into G; G's turn leaves D's
    weights alone and uses the D that has learnt, for the real clips of
    its pairs, too. Gradients that were there before do not count.

    Args:
        generator: z to clips.
        discriminator: clips to logits, (B,) or (B, 2); every mean is
            over all of them.
        real: (B, T, C, H, W).
        z: (B, nz).
        gamma: D's loss has gamma times `r1_penalty(discriminator, real)`
            more; 0 leaves it out.
        extra: what G's loss has more, called after G has run.
    Returns:
        D's loss, penalty included, and G's, extra included; detached.
    Source: Huang et al. 2024, with R1 alone.
    """
    fake = generator(z)
    loss_d, _ = pairing_losses(
        discriminator(real), discriminator(fake.detach()))
    if gamma:
        loss_d = loss_d + gamma * r1_penalty(discriminator, real)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()

    discriminator.requires_grad_(False)
    _, loss_g = pairing_losses(discriminator(real), discriminator(fake))
    loss_g = loss_g + extra()
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    discriminator.requires_grad_(True)
    return loss_d.detach(), loss_g.detach()


two_ways_to_move = """
VideoGAN splits a clip by what moves. One network paints a single background, another a foreground for every frame with a
mask that says where it shows. That is right for a camera that stands still: whatever the mask leaves open cannot move,
because the same picture is behind every frame. When the camera pans, or the ground scrolls under a walker, the background must
move, so the mask has to open everywhere, the foreground paints the whole clip, and the second stream is good for nothing.

MoCoGAN splits it by what changes. The content code is drawn once a clip and every frame gets the same one; the motion code is
new in each frame, a GRU makes it from fresh noise and from the code before. Nothing forces the split to be used: the motion
code could carry the colour of the hair. Keep the content code and draw other noise, and one person should do other things; keep
the noise and change the content, and other people should do the same.

A discriminator of clips can tell real from fake by one bad frame, and it has few clips but many pixels: it may never look at
motion. The image discriminator takes over the looks. A test that motion is used: show the video network real clips with
shuffled or repeated frames. If its logit stays the same, no gradient asks the generator to move well.
"""
