"""Answers to the exercises of chapter 10.

WRONG: exercise -> name of the mistake -> (answer, words of the hint that the student must be given).
RIGHT: exercise -> name -> answer, as different from the reference as an honest student's may be.
"""
import torch
import torch.nn.functional as F
from torch import nn

from autograde.checks.video_gan import faulty_step
from solutions import video_gan as reference
from solutions.stability import pairing_losses, r1_penalty


def in_place(foreground, mask, background):
    foreground *= mask
    return foreground + (1 - mask) * background[:, None]


def over(f, m, b, *, back=None, front=None):
    b = b.unsqueeze(1)
    return (m if front is None else front(m)) * f + ((1 - m) if back is None else back(m)) * b


def compose_by_loop(foreground, mask, background):
    """Right: clip by clip, frame by frame."""
    clips = torch.empty_like(foreground)
    for k in range(len(clips)):
        for t in range(clips.shape[1]):
            clips[k, t] = mask[k, t] * foreground[k, t] + (1 - mask[k, t]) * background[k]
    return clips


def streams(*, turn=lambda v: v.transpose(1, 2), front=torch.tanh, veil=torch.sigmoid, last=slice(-1, None),
            others=slice(None, -1), back=lambda b: b, give=lambda *s: s):
    """A generator whose `streams` is put together from named parts."""
    class Variant(reference.VideoGenerator):
        def streams(self, z):
            volume = turn(self.volume(z.view(*z.shape, 1, 1, 1)))
            return give(front(volume[:, :, others]), veil(volume[:, :, last]), back(self.background(z)))
    return Variant


class SplitThenTurn(reference.VideoGenerator):
    """Right: split along the channels first."""

    def streams(self, z):
        volume = self.volume(z[..., None, None, None])
        colours, opacity = volume.split([volume.shape[1] - 1, 1], dim=1)
        return torch.tanh(colours).permute(0, 2, 1, 3, 4), opacity.sigmoid().movedim(2, 1), self.background(z)


class StreamsThatKeepMuch(reference.VideoGenerator):
    """Right: what the constructor was told is kept, and the activations are modules."""

    def __init__(self, num_frames=16, size=32, channels=3, *, nz=100, width=64):
        super().__init__(num_frames, size, channels, nz=nz, width=width)
        self.channels, self.num_frames, self.squash = channels, num_frames, nn.Tanh()

    def streams(self, z):
        volume = self.volume(z.reshape(-1, self.nz, 1, 1, 1)).permute(0, 2, 1, 3, 4)
        mask = torch.sigmoid(volume[:, :, self.channels].unsqueeze(2))
        return self.squash(volume[:, :, :self.channels]), mask, self.background(z)


def judge(*, squash=lambda: nn.LeakyReLU(0.2), turn=lambda c: c.transpose(1, 2), last=lambda s: s.flatten(), time=True,
          bias=True, kernel=lambda stride: 2 + stride, padding=1, norm=None):
    """A discriminator put together from named parts."""
    class Variant(reference.VideoDiscriminator):
        def __init__(self, num_frames=16, size=32, channels=3, *, width=64):
            super().__init__(num_frames, size, channels, width=width)
            layers, before = [], channels
            for k, stride in enumerate(reference.time_strides(num_frames, size)):
                layers += [nn.Conv3d(before, width << k, (kernel(stride), 4, 4), (stride if time else 1, 2, 2), padding,
                                     bias=bias), *([norm(width << k)] if norm else []), squash()]
                before = width << k
            self.layers = nn.Sequential(*layers, self.layers[-1])

        def forward(self, clips):
            return last(self.layers(turn(clips)))
    return Variant


class JudgeOfBlocks(reference.VideoDiscriminator):
    """Right: each halving is a network of its own."""

    def __init__(self, num_frames=16, size=32, channels=3, *, width=64):
        super().__init__(num_frames, size, channels, width=width)
        layers = list(self.layers)
        self.layers = nn.Sequential(*(nn.Sequential(*layers[k:k + 2]) for k in range(0, len(layers) - 1, 2)), layers[-1])


class StreamsByTheVolume(reference.VideoGenerator):
    """Right: the volume's last layer says how many channels there are."""

    def streams(self, z):
        volume = self.volume(z[:, :, None, None, None]).transpose(1, 2)
        colours, opacity = volume.split([self.volume[-1].out_channels - 1, 1], 2)
        return colours.tanh(), opacity.sigmoid(), self.background(z)


class StreamsOneByOne(reference.VideoGenerator):
    """Wrong: each clip passes the batch norm by itself."""

    def streams(self, z):
        volume = torch.cat([self.volume(one[None, :, None, None, None]) for one in z]).transpose(1, 2)
        return volume[:, :, :-1].tanh(), volume[:, :, -1:].sigmoid(), self.background(z)


class MaskWithoutGraph(reference.VideoGenerator):
    """Wrong: G's loss cannot move the mask that is kept."""

    def forward(self, z):
        clips = super().forward(z)
        self.mask = self.mask.detach()
        return clips


class JudgeOfLayersByHand(reference.VideoDiscriminator):
    """Right: the clips are turned and each layer is called by hand."""

    def forward(self, clips):
        x = torch.einsum("btchw->bcthw", clips)
        for layer in self.layers:
            x = layer(x)
        return x.reshape(len(clips))


def walk(*, carry=True, noise=lambda n: n, back=lambda c: c, stack=lambda codes: torch.stack(codes, 1), first=False):
    """Motion codes put together from named parts."""
    def variant(cell, given):
        given = noise(given)
        code = torch.zeros(len(given), cell.hidden_size)
        codes = [code] if first else []
        for t in range(given.shape[1]):
            new = cell(given[:, t], code)
            codes.append(new)
            code = new if carry else code
        return back(stack(codes))
    return variant


def walk_by_gru(cell, noise):
    """Right: PyTorch's GRU in the cell's own weights."""
    gru = nn.GRU(cell.input_size, cell.hidden_size, batch_first=True)
    own = {f"{name}_l0": weight for name, weight in cell.named_parameters()}
    return torch.func.functional_call(gru, own, (noise,))[0]


def walk_by_copy(cell, noise):
    """Wrong: the cell that was handed in learns nothing."""
    gru = nn.GRU(cell.input_size, cell.hidden_size, batch_first=True)
    with torch.no_grad():
        for mine, theirs in zip(gru.parameters(), cell.parameters(), strict=True):
            mine.copy_(theirs)
    return gru(noise)[0]


def walk_filling_a_tensor(cell, noise):
    """Right: a tensor filled frame by frame, the first call without a code."""
    codes = torch.empty(*noise.shape[:2], cell.hidden_size)
    code = None
    for t in range(noise.shape[1]):
        code = cell(noise[:, t], code)
        codes[:, t] = code
    return codes


def walk_cut(cell, noise):
    code = torch.zeros(len(noise), cell.hidden_size)
    codes = []
    for t in range(noise.shape[1]):
        code = cell(noise[:, t], code.detach())
        codes.append(code)
    return torch.stack(codes, 1)


def walk_by_concatenation(cell, noise):
    """Right: the codes are laid side by side as they come."""
    codes, code = noise.new_empty(len(noise), 0, cell.hidden_size), noise.new_zeros(len(noise), cell.hidden_size)
    for t in range(noise.size(1)):
        code = cell(noise[:, t, :], code)
        codes = torch.cat([codes, code.unsqueeze(1)], dim=1)
    return codes


def motion(*, across=False, one=False, mixed=False, by="unflatten", draw=None, spread=None, start=None, out=lambda x: x):
    """MoCoGAN's generator with the named faults left."""
    class Variant(reference.MotionGenerator):
        def __init__(self, *sizes, **options):
            super().__init__(*sizes, **options)
            self.walk = nn.GRU(self.motion, self.motion, batch_first=not across)

        def codes(self, z):
            count = (z.shape[1] - self.content) // self.motion
            noise = z[:, self.content:].reshape(len(z), count, self.motion)
            if one:
                noise = z[:, None, -self.motion:].expand(-1, count, -1)
            if draw:
                noise = draw(z, self.content, self.motion, count)
            first = () if start is None else (start(z, self.motion),)
            content = z[:, None, :self.content].expand(-1, count, -1) if spread is None else spread(z[:, :self.content], count)
            return content, self.walk(noise, *first)[0]

        def forward(self, z):
            codes = out(torch.cat(self.codes(z), 2))
            count, length = codes.shape[:2]
            if by == "loop":
                return torch.stack([self.frame(codes[:, t]) for t in range(length)], 1)
            frames = self.frame(codes.flatten(0, 1))
            if mixed:
                return frames.unflatten(0, (length, count)).transpose(0, 1)
            return frames.view(count, length, *frames.shape[1:])
    return Variant


class WalkByACell(reference.MotionGenerator):
    """Right: the GRU is asked frame by frame, and keeps what it was told."""

    def __init__(self, num_frames=16, size=32, channels=3, **options):
        super().__init__(num_frames, size, channels, **options)
        self.size, self.channels = size, channels

    def codes(self, z):
        content, noise = z[:, :self.content], z[:, self.content:]
        state, motion = None, []
        for shock in noise.split(self.motion, dim=1):
            code, state = self.walk(shock[:, None], state)
            motion.append(code[:, 0])
        return torch.stack([content] * len(motion), 1), torch.stack(motion, 1)

    def forward(self, z):
        codes = torch.cat(self.codes(z), -1)
        frames = self.frame(codes.reshape(-1, codes.shape[2]))
        return frames.reshape(len(z), -1, self.channels, self.size, self.size)


class WalkByMotionCodes(reference.MotionGenerator):
    """Right: a cell, and the loop of the exercise before."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.walk = nn.GRUCell(self.motion, self.motion)

    def codes(self, z):
        noise = z[:, self.content:].unflatten(1, (-1, self.motion))
        motion = reference.motion_codes(self.walk, noise)
        return z[:, None, :self.content].expand(-1, motion.shape[1], -1), motion


class WalkByAnRNN(reference.MotionGenerator):
    """Wrong: a recurrent network without gates."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.walk = nn.RNN(self.motion, self.motion, batch_first=True)


class WalkOnTheSide(reference.MotionGenerator):
    """Right: time first for a GRU that wants it so."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.walk = nn.GRU(self.motion, self.motion)

    def codes(self, z):
        noise = z[:, self.content:].reshape(len(z), -1, self.motion).transpose(0, 1)
        codes, _ = self.walk(noise)
        return z[:, :self.content].unsqueeze(1).repeat(1, len(noise), 1), codes.transpose(0, 1)


def both(frame=reference.frames_in_turn, give=lambda i, v: torch.stack([i, v], 1)):
    """A discriminator of frames and clips put together from named parts."""
    class Variant(reference.MotionDiscriminator):
        def forward(self, clips):
            return give(self.image(frame(clips)), self.video(clips))
    return Variant


class BothWithAStack(reference.MotionDiscriminator):
    """Right: the constructor keeps its sizes, and a table is filled."""

    def __init__(self, num_frames=16, size=32, channels=3, *, width=64):
        super().__init__(num_frames, size, channels, width=width)
        self.num_frames = num_frames

    def forward(self, clips):
        logits = torch.empty(len(clips), 2)
        logits[:, 0] = self.image(reference.frames_in_turn(clips))
        logits[:, 1] = self.video(clips.view(-1, self.num_frames, *clips.shape[2:]))
        return logits


def random_frame(clips):
    return clips[torch.arange(len(clips)), torch.randint(clips.shape[1], (len(clips),))]


def step_with_no_grad(generator, discriminator, optimizer_g, optimizer_d, real, z, *, gamma=0.0, extra=lambda: 0.0):
    """Right: bce of the differences, D not frozen, the penalty always added."""
    bce = F.binary_cross_entropy_with_logits
    fake = generator(z)
    optimizer_d.zero_grad()
    lead = discriminator(real) - discriminator(fake.data)
    loss_d = bce(lead, torch.ones_like(lead)) + gamma * r1_penalty(discriminator, real)
    loss_d.backward()
    optimizer_d.step()
    optimizer_g.zero_grad()
    with torch.no_grad():
        told = discriminator(real)
    lead = told - discriminator(fake)
    loss_g = bce(lead, torch.zeros_like(lead)) + extra()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def step_by_parts(generator, discriminator, optimizer_g, optimizer_d, real, z, *, gamma=0.0, extra=lambda: 0.0):
    """Right: two calls of backward for D, logsigmoid, gradients by hand for G."""
    fake = generator(z)
    optimizer_d.zero_grad()
    parts = [-F.logsigmoid(discriminator(real) - discriminator(fake.detach())).mean()]
    if gamma > 0:
        parts.append(gamma * r1_penalty(discriminator, real))
    for part in parts:
        part.backward()
    optimizer_d.step()
    loss_g = -F.logsigmoid(discriminator(fake) - discriminator(real).detach()).mean() + extra()
    weights = list(generator.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(loss_g, weights), strict=True):
        weight.grad = gradient
    optimizer_g.step()
    return sum(parts).detach(), loss_g.detach()


def step_without_detach(generator, discriminator, optimizer_g, optimizer_d, real, z, *, gamma=0.0, extra=lambda: 0.0):
    fake = generator(z)
    loss_d, _ = pairing_losses(discriminator(real), discriminator(fake))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = pairing_losses(discriminator(real), discriminator(fake))[1] + extra()
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()


def step_of_sums_and_counts(generator, discriminator, optimizer_g, optimizer_d, real, z, *, gamma=0.0, extra=lambda: 0.0):
    """Right: the networks' own zero_grad, one batch of both, means by hand, a copy of the numbers to return."""
    fake = generator(z)
    discriminator.zero_grad()
    said, told = discriminator(torch.cat([real, fake.detach()])).chunk(2)
    loss_d = F.softplus(told - said).sum() / said.numel()
    if gamma != 0:
        loss_d = loss_d + gamma * r1_penalty(discriminator, real)
    loss_d.backward()
    optimizer_d.step()
    generator.zero_grad()
    said, told = discriminator(torch.cat([real, fake])).chunk(2)
    loss_g = F.softplus(said - told).sum() / said.numel() + extra()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach().clone(), loss_g.detach().clone()


def step_with_extra_first(generator, discriminator, optimizer_g, optimizer_d, real, z, *, gamma=0.0, extra=lambda: 0.0):
    more = extra()
    return reference.clip_step(generator, discriminator, optimizer_g, optimizer_d, real, z, gamma=gamma, extra=lambda: more)


def step_of_a_blind_generator(generator, discriminator, optimizer_g, optimizer_d, real, z, *, gamma=0.0, extra=lambda: 0.0):
    optimizer_g.zero_grad()
    fake = generator(z).detach()
    loss_d, _ = pairing_losses(discriminator(real), discriminator(fake))
    if gamma:
        loss_d = loss_d + gamma * r1_penalty(discriminator, real)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = pairing_losses(discriminator(real), discriminator(fake))[1] + extra()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()


def step_that_forgets_to_thaw(generator, discriminator, *arguments, **options):
    losses = reference.clip_step(generator, discriminator, *arguments, **options)
    discriminator.requires_grad_(False)
    return losses


def giving(change):
    """The reference step with its losses changed."""
    return lambda *arguments, **options: change(reference.clip_step(*arguments, **options))


class SeededJudge(reference.VideoDiscriminator):
    """Wrong: whoever draws after it was made draws the same."""

    def __init__(self, *sizes, **options):
        torch.manual_seed(0)
        super().__init__(*sizes, **options)


RIGHT = {
    "video_gan.compose": {
        "lerp": lambda f, m, b: torch.lerp(b[:, None].expand_as(f), f, m.expand_as(f)),
        "loop": compose_by_loop,
        "difference": lambda f, m, b: b.unsqueeze(1) + m * (f - b.unsqueeze(1)),
        "einsum": lambda f, m, b: m * f + torch.einsum("btihw,bchw->btchw", 1 - m, b),
    },
    "video_gan.VideoGenerator": {"view": streams(), "split then turn": SplitThenTurn,
                                 "keeps much": StreamsThatKeepMuch, "asks the volume": StreamsByTheVolume},
    "video_gan.VideoDiscriminator": {
        "movedim": judge(turn=lambda c: c.movedim(1, 2)),
        "permute, view": judge(turn=lambda c: c.permute(0, 2, 1, 3, 4), last=lambda s: s.view(-1)),
        "layers by hand": JudgeOfLayersByHand, "blocks": JudgeOfBlocks,
    },
    "video_gan.motion_codes": {"nn.GRU": walk_by_gru, "filled": walk_filling_a_tensor, "indices": walk(),
                               "concatenated": walk_by_concatenation},
    "video_gan.MotionGenerator": {"view": motion(), "frame by frame": motion(by="loop"), "time first": WalkOnTheSide,
                                  "cell by cell": WalkByACell, "motion_codes": WalkByMotionCodes},
    "video_gan.MotionDiscriminator": {
        "cat of columns": both(give=lambda i, v: torch.cat([i[:, None], v[:, None]], 1)),
        "loop": both(frame=lambda c: torch.stack([clip[k % len(clip)] for k, clip in enumerate(c)])),
        "filled": BothWithAStack,
    },
    "video_gan.clip_step": {"no_grad": step_with_no_grad, "by parts": step_by_parts, "means by hand": step_of_sums_and_counts},
}

WRONG = {
    "video_gan.compose": {
        "reverse": (lambda f, m, b: over(b.unsqueeze(1), m, f[:, 0], back=lambda m: 0) + (1 - m) * f, "reverse"),
        "background in full": (lambda f, m, b: over(f, m, b, back=torch.ones_like), "weigh it with 1 - mask"),
        "foreground in full": (lambda f, m, b: over(f, m, b, front=torch.ones_like), "weigh it with the mask"),
        "foreground alone": (lambda f, m, b: m * f, "background is missing"),
        "hard": (lambda f, m, b: over(f, (m > 0.5).float(), b), "hard choice"),
        "halved": (lambda f, m, b: over(f, m, b) / 2, "do not halve"),
        "repeated along the batch": (lambda f, m, b: m * f + (1 - m) * b.repeat(f.shape[1], 1, 1, 1).view(f.shape),
                                     "other clips' backgrounds"),
        "no axis of time": (lambda f, m, b: m * f + (1 - m) * b, "axis of time"),
        "in place": (in_place, "changes `foreground` in place"),
        "mask detached": (lambda f, m, b: over(f, m.detach(), b), "No gradient reaches the mask"),
        "background as data": (lambda f, m, b: over(f, m, b.data), "No gradient reaches the background"),
        "no_grad": (torch.no_grad()(over), "No gradient reaches any of the three"),
    },
    "video_gan.VideoGenerator": {
        "no tanh": (streams(front=lambda v: v), "ends with a tanh"),
        "sigmoid of colours": (streams(front=torch.sigmoid), "pixels lie in"),
        "mask first": (streams(last=slice(None, 1), others=slice(1, None)), "channel is the mask"),
        "not turned": (streams(turn=lambda v: v), "wrong axis"),
        "view": (streams(turn=lambda v: v.view(v.shape[0], v.shape[2], v.shape[1], *v.shape[3:])), "do not move pixels"),
        "no sigmoid": (streams(veil=lambda v: v), "ends with a sigmoid"),
        "mask by tanh": (streams(veil=torch.tanh), "not tanh"),
        "mask without channels": (streams(last=-1), "axis of channels"),
        "softmax": (streams(veil=lambda v: v.softmax(1)), "no softmax"),
        "tanh twice": (streams(back=torch.tanh), "pale"),
        "background for each frame": (streams(back=lambda b: b[:, None].expand(-1, 6, -1, -1, -1)), "once a clip"),
        "mask detached": (streams(give=lambda f, m, b: (f, m.detach(), b)), "comes back through the mask"),
        "background as data": (streams(give=lambda f, m, b: (f, m, b.data)), "comes back through the background"),
        "mask first of three": (streams(give=lambda f, m, b: (m, f, b)), "and is the mask"),
        "tanh of all": (streams(turn=lambda v: v.transpose(1, 2).tanh(), front=lambda v: v), "The tanh is the colours' alone"),
        "mask by half a tanh": (streams(veil=lambda v: (v.tanh() + 1) / 2), "twice as steep"),
        "two streams": (streams(give=lambda f, m, b: (f, b)), "three things"),
        "one by one": (StreamsOneByOne, "at once"),
        "mask without a graph": (MaskWithoutGraph, "has lost its graph"),
    },
    "video_gan.VideoDiscriminator": {
        "seeded": (SeededJudge, "seeds torch's own"),
        "relu": (judge(squash=nn.ReLU), "plain ReLU"),
        "default slope": (judge(squash=nn.LeakyReLU), "slope"),
        "linear": (judge(squash=nn.Identity), "nothing between"),
        "sigmoid": (judge(last=lambda s: s.sigmoid().flatten()), "no sigmoid"),
        "view": (judge(turn=lambda c: c.reshape(c.shape[0], c.shape[2], c.shape[1], *c.shape[3:])), "do not move pixels"),
        "not turned": (judge(turn=lambda c: c), "Transpose"),
        "mean": (judge(last=lambda s: s.mean()), "no mean over the batch"),
        "a column": (judge(last=lambda s: s.flatten(1)), "flatten them"),
        "time not halved": (judge(time=False), "More logits than clips"),
        "no bias": (judge(bias=False), "with a bias"),
        "squeezed": (judge(last=lambda s: s.squeeze()), "drops the axis of the batch"),
        "batch norm": (judge(norm=nn.BatchNorm3d), "norm between the layers"),
        "batch norm without weights": (judge(norm=lambda n: nn.BatchNorm3d(n, affine=False)), "norm between the layers"),
        "instance norm": (judge(norm=nn.InstanceNorm3d), "norm between the layers"),
        "as data": (judge(last=lambda s: s.data.flatten()), "No gradient comes back"),
        "cubes of 4": (judge(kernel=lambda stride: 4), "2 + stride"),
    },
    "video_gan.motion_codes": {
        "no memory": (walk(carry=False), "starts again from 0"),
        "one noise": (walk(noise=lambda n: n[:, :1].expand_as(n)), "first frame's noise"),
        "across clips": (walk(noise=lambda n: n.transpose(0, 1)), "clip to clip"),
        "time first": (walk(stack=torch.stack), "stack the codes along axis 1"),
        "only the last": (walk(back=lambda c: c[:, -1]), "every frame"),
        "h_0 too": (walk(first=True), "no frame's code"),
        "one behind": (walk(first=True, back=lambda c: c[:, :-1]), "One behind"),
        "codes detached": (walk_cut, "no gradient goes back from frame to frame"),
        "no_grad": (torch.no_grad()(walk()), "no gradient comes back"),
        "adds to the old code": (walk(stack=lambda codes: torch.stack(codes, 1).cumsum(1)), "do not add it"),
        "backwards": (walk(noise=lambda n: n.flip(1)), "backwards"),
        "a copy of the cell": (walk_by_copy, "the cell learns nothing"),
    },
    "video_gan.MotionGenerator": {
        "untouched": (motion(across=True, one=True, mixed=True), "Two faults in the codes"),
        "across clips left": (motion(across=True), "walks from clip to clip"),
        "one noise left": (motion(one=True), "same noise"),
        "mixed left": (motion(mixed=True), "frames of other clips"),
        "first noise": (motion(draw=lambda z, c, m, t: z[:, None, c:c + m].expand(-1, t, -1)), "the first frame's"),
        "noise laid out": (motion(draw=lambda z, c, m, t: z[:, c:].view(-1, m, t).transpose(1, 2)), "the other way round"),
        "starts from content": (motion(start=lambda z, m: z[None, :, :m].contiguous()), "h_0 is 0"),
        "content of others": (motion(spread=lambda c, t: c.repeat(t, 1).view(len(c), t, -1)), "codes of other clips"),
        "codes detached": (motion(out=torch.detach), "No gradient comes back"),
        "an RNN": (WalkByAnRNN, "one layer and one direction"),
        "across and mixed": (motion(across=True, mixed=True), "frames of other clips"),
        "one noise and mixed": (motion(one=True, mixed=True), "frames of other clips"),
    },
    "video_gan.MotionDiscriminator": {
        "clip first": (both(give=lambda i, v: torch.stack([v, i], 1)), "logit comes first"),
        "first frame": (both(frame=lambda c: c[:, 0]), "Always the first frame"),
        "middle frame": (both(frame=lambda c: c[:, c.shape[1] // 2]), "Always the middle frame"),
        "mean of frames": (both(frame=lambda c: c.mean(1)), "blur"),
        "stacked along 0": (both(give=lambda i, v: torch.stack([i, v])), "along axis 1"),
        "concatenated": (both(give=lambda i, v: torch.cat([i, v])), "do not concatenate"),
        "sum": (both(give=lambda i, v: i + v), "a sum lets"),
        "mean": (both(give=lambda i, v: (i + v) / 2), "a mean lets"),
        "random frame": (both(frame=random_frame), "no random frame"),
        "last frame": (both(frame=lambda c: c[:, -1]), "Always the last frame"),
        "squeezed": (both(give=lambda i, v: torch.stack([i.squeeze(), v.squeeze()], -1)), "no squeeze()"),
        "sigmoid": (both(give=lambda i, v: torch.stack([i, v], 1).sigmoid()), "no sigmoid"),
        "as data": (both(give=lambda i, v: torch.stack([i.data, v.data], 1)), "No gradient comes back"),
        "all frames": (both(frame=lambda c: c), "takes (N, C, H, W)"),
    },
    "video_gan.clip_step": {
        "no detach": (step_without_detach, "detach"),
        "fakes drawn anew": (faulty_step("anew"), "a second time"),
        "D moves on": (faulty_step("D moves on"), "D learns in G's turn"),
        "stale D": (faulty_step("stale D"), "added to D's"),
        "stale G": (faulty_step("stale G"), "added to G's"),
        "sides swapped": (faulty_step("swapped"), "sides are swapped"),
        "D stands still": (faulty_step("D stands still"), "did not move"),
        "G before D": (faulty_step("before"), "before it learnt"),
        "saturating": (faulty_step("saturating"), "minus D's loss"),
        "unpaired": (faulty_step("unpaired"), "losses of chapter 2"),
        "means compared": (faulty_step("means"), "softplus first"),
        "all pairs": (faulty_step("all pairs"), "every fake one"),
        "old pairs": (faulty_step("old pairs"), "before it learnt"),
        "G with D's loss": (faulty_step("swapped G"), "larger logit"),
        "no penalty": (faulty_step("no penalty"), "penalty is missing"),
        "penalty of fakes": (faulty_step("penalty of fakes"), "*real*"),
        "no extra": (faulty_step("no extra"), "extra() is missing"),
        "frozen for good": (step_that_forgets_to_thaw, "requires_grad_(True)"),
        "judges added": (faulty_step("added"), "not added"),
        "sums": (faulty_step("sums"), "not a sum"),
        "halved": (faulty_step("halved"), "the mean already"),
        "penalty without gamma": (faulty_step("no gamma"), "multiply it by gamma"),
        "penalty halved": (faulty_step("half gamma"), "halved twice"),
        "G stands still": (faulty_step("G stands still"), "G's weights did not move"),
        "blind G": (step_of_a_blind_generator, "G's weights did not move"),
        "extra first": (step_with_extra_first, "extra() was called before the generator has run"),
        "losses swapped": (giving(lambda pair: pair[::-1]), "comes first"),
        "one loss": (giving(lambda pair: pair[0]), "two losses"),
        "with graphs": (giving(lambda pair: tuple(v.clone().requires_grad_() for v in pair)), "detach them"),
    },
}
