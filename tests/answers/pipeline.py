"""Answers to the exercises of chapter 1; the form is that of gan_losses.py."""
import numpy as np
import torch
import torch.nn.functional as F
from torchvision.transforms import v2

from solutions import pipeline as reference


def pixels_one_by_one(pixels):
    """Right: each frame with NumPy."""
    return torch.stack([torch.tensor(np.moveaxis(frame.astype(np.float32) / 255 * 2 - 1, 2, 0)) for frame in pixels])


def wide_shape(clip, size, edge=min):
    height, width = clip.shape[-2:]
    return height * size // edge(height, width), width * size // edge(height, width)


def scaled(clip, shape, antialias=True):
    return F.interpolate(clip, shape, mode="bilinear", antialias=antialias)


def middle(clip, size):
    top, left = (clip.shape[-2] - size) // 2, (clip.shape[-1] - size) // 2
    return clip[..., top:top + size, left:left + size]


def frames_resized(clip, size):
    """Right: frame by frame, with rounding in the place of whole division."""
    scale = size / min(clip.shape[2:])
    shape = [round(n * scale) for n in clip.shape[2:]]
    return torch.cat([middle(scaled(frame[None], shape), size) for frame in clip])


def counted(images, bins=4, *, last_first=False, low=-1, share=True, clamp=True):
    """A histogram put together from named parts."""
    rows = []
    for image in images:
        part = ((image - low) / (1 - low) * bins).long()
        part = part.clamp(0, bins - 1) if clamp else part
        colour = torch.zeros_like(part[0])
        for channel in part.flip(0) if last_first else part:
            colour = colour * bins + channel
        rows.append(torch.bincount(colour.flatten().clamp(min=0), minlength=bins ** len(image)).float())
    rows = [row / images[0, 0].numel() for row in rows] if share else rows
    return torch.stack(rows)


def histogram_by_numpy(images, bins=4):
    """Right: numpy.histogramdd."""
    edges = [np.linspace(-1, 1, bins + 1)] * images.shape[1]
    counts = [np.histogramdd(image.flatten(1).T.double().numpy(), bins=edges)[0].flatten() for image in images]
    return torch.tensor(np.stack(counts)) / images[0, 0].numel()


def histogram_one_hot(images, bins=4):
    """Right: one-hot colours, and their mean."""
    parts = torch.bucketize(images.contiguous(), torch.linspace(-1, 1, bins + 1)[1:-1], right=True)
    power = bins ** torch.arange(images.shape[1] - 1, -1, -1)
    colour = torch.einsum("nchw,c->nhw", parts, power)
    return F.one_hot(colour, bins ** images.shape[1]).double().mean((1, 2))


def repeats(clip, threshold=2 / 127.5, block=8, *, size=torch.abs, of="blocks", first=False, pad=True, best="amax"):
    """Which frames repeat, put together from named parts."""
    change = size(clip[1:] - clip[:-1])
    change = {"blocks": lambda: F.avg_pool2d(change.mean(1, keepdim=True), block), "pixels": lambda: change,
              "frame": lambda: change.mean((1, 2, 3), keepdim=True)}[of]().flatten(1)
    found = getattr(change, best)(1) < threshold
    return torch.cat([torch.tensor([first]), found]) if pad else found


def repeats_in_a_loop(clip, threshold=2 / 127.5, block=8):
    """Right: frame by frame, block by block, as a list."""
    found = [False]
    for before, now in zip(clip[:-1], clip[1:], strict=True):
        change = (now - before).abs()
        means = [change[:, i:i + block, j:j + block].mean().item() for i in range(0, change.shape[1], block)
                 for j in range(0, change.shape[2], block)]
        found.append(max(means) < threshold)
    return torch.tensor(found)


def repeats_unfolded(clip, threshold=2 / 127.5, block=8):
    """Right: blocks by reshaping, and numbers 0 and 1 for the answer."""
    change = (clip[1:] - clip[:-1]).abs().mean(1)
    blocks = change.unflatten(2, (-1, block)).unflatten(1, (-1, block)).mean((2, 4))
    return torch.cat([torch.zeros(1), (blocks.flatten(1).max(1).values < threshold).float()])


def starts_of(cuts):
    return [0, *torch.where(cuts)[0].tolist()]


def clips_at(video, n, places):
    return torch.stack([video[i:i + n] for i in places]) if places else torch.zeros(0, n, *video.shape[1:])


def clips_by_split(video, cuts, num_frames):
    """Right: tensor_split into scenes, split into clips, short ones dropped."""
    scenes = torch.tensor_split(video, cuts.nonzero().flatten())
    clips = [clip for scene in scenes for clip in scene.split(num_frames) if len(clip) == num_frames]
    return torch.stack(clips) if clips else video[:0].expand(0, *video.shape[1:])[:, None].expand(0, num_frames, -1, -1, -1)


def clips_one_frame_at_a_time(video, cuts, num_frames):
    """Right: a buffer that is emptied at each cut."""
    done, waiting = [], []
    for frame, cut in zip(video, cuts.tolist(), strict=True):
        waiting = [frame] if cut else [*waiting, frame]
        if len(waiting) == num_frames:
            done.append(torch.stack(waiting))
            waiting = []
    return torch.stack(done) if done else torch.zeros(0, num_frames, *video.shape[1:])


def clips_of_scenes(video, cuts, n, *, step=None, later=0, first=True, last=True, most=None, short=0):
    starts = [0, *[at + later for at in starts_of(cuts)[1:]]]
    ends = [*starts[1:], len(video)]
    scenes = list(zip(starts, ends, strict=True))[0 if first else 1:None if last else -1]
    return clips_at(video, n, [at for s, e in scenes for at in list(range(s, e - n + 1 - short, step or n))[:most]])


def clips_from_the_end(video, cuts, n):
    starts = starts_of(cuts)
    scenes = zip(starts, [*starts[1:], len(video)], strict=True)
    return clips_at(video, n, [at for s, e in scenes for at in range(e - (e - s) // n * n, e, n)])


def augmented(clip, rng, shift=2, light=0.1, *, mirror=-1, coins=False, lights=False, clamp=True, odds=0.5, moves=True,
              one_sided=False, moves_each=False):
    """An augmentation put together from named parts."""
    coin = torch.rand(len(clip) if coins else 1, 1, 1, 1, generator=rng)
    clip = torch.where(coin < odds, clip.flip(mirror), clip)
    height, width = clip.shape[2:]
    padded = F.pad(clip, [shift] * 4, mode="replicate")
    places = torch.randint(2 * shift + 1, (len(clip), 2), generator=rng) if moves else torch.full((len(clip), 2), shift)
    places = places if moves_each else places[:1].expand_as(places)
    clip = torch.stack([frame[:, t:t + height, s:s + width] for frame, (t, s) in zip(padded, places.tolist(), strict=True)])
    draw = torch.rand(len(clip) if lights else 1, 1, 1, 1, generator=rng)
    clip = clip + light * (draw if one_sided else 2 * draw - 1)
    return clip.clamp(-1, 1) if clamp else clip


def augmented_by_rolling_indices(clip, rng, shift=2, light=0.1):
    """Right: places clamped to the clip, the light drawn first."""
    offset = (torch.rand(1, generator=rng).item() * 2 - 1) * light
    down, right = (torch.randint(-shift, shift + 1, (1,), generator=rng).item() for _ in range(2))
    rows = (torch.arange(clip.shape[2]) + down).clamp(0, clip.shape[2] - 1)
    columns = (torch.arange(clip.shape[3]) + right).clamp(0, clip.shape[3] - 1)
    clip = clip[:, :, rows][:, :, :, columns]
    if torch.randint(2, (1,), generator=rng).item():
        clip = torch.flip(clip, dims=[3])
    return torch.clip(clip + offset, -1, 1)


def stepped(model, optimizer, clips, *, loss=F.mse_loss, clear=True, move=True, sign=1, detach=True, again=False):
    """A training step put together from named parts."""
    value = loss(model(clips), clips)
    if clear:
        optimizer.zero_grad()
    (sign * value).backward()
    if move:
        optimizer.step()
    value = loss(model(clips), clips) if again else value
    return value.detach() if detach else value


def stepped_clearing_behind(model, optimizer, clips):
    """Right: cleared at the start, the squares written out, a float returned."""
    optimizer.zero_grad(set_to_none=False)
    error = ((clips - model(clips)) ** 2).mean()
    error.backward()
    optimizer.step()
    return error.item()


def stepped_by_autograd(model, optimizer, clips):
    """Right: torch.autograd.grad, and gradients put where the optimiser looks for them."""
    loss = (model(clips) - clips).square().flatten(1).mean(1).mean()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    optimizer.step()
    return loss.detach().clone()


def floats(pixels):
    return torch.from_numpy(pixels).float()


RIGHT = {
    "pipeline.clip_from_pixels": {
        "permute": lambda pixels: floats(pixels).permute(0, 3, 1, 2) / 255 * 2 - 1,
        "frame by frame": pixels_one_by_one,
        "torchvision": lambda pixels: v2.functional.to_dtype(
            torch.tensor(pixels).movedim(3, 1), torch.float32, scale=True) * 2 - 1,
    },
    "pipeline.resize_and_crop": {
        "torchvision": lambda clip, size: v2.functional.center_crop(
            v2.functional.resize(clip, [size], antialias=True), [size, size]),
        "frame by frame": frames_resized,
    },
    "pipeline.colour_histogram": {"bincount": counted, "NumPy": histogram_by_numpy, "one-hot": histogram_one_hot},
    "pipeline.duplicate_frames": {"loop": repeats_in_a_loop, "unfolded": repeats_unfolded, "parts": repeats},
    "pipeline.whole_clips": {"split": clips_by_split, "buffer": clips_one_frame_at_a_time, "parts": clips_of_scenes},
    "pipeline.augment": {"parts": augmented, "other order": augmented_by_rolling_indices},
    "pipeline.autoencoder_step": {"written out": stepped_clearing_behind, "autograd": stepped_by_autograd},
}

WRONG = {
    "pipeline.clip_from_pixels": {
        "0 to 1": (lambda p: floats(p).movedim(-1, 1) / 255, "[0, 1]"),
        "not scaled": (lambda p: floats(p).movedim(-1, 1), "still those of the pixels"),
        "by 128": (lambda p: floats(p).movedim(-1, 1) / 128 - 1, "not 256"),
        "channels last": (lambda p: floats(p) / 127.5 - 1, "channels are still last"),
        "transposed": (lambda p: floats(p).transpose(1, 3) / 127.5 - 1, "Height and width"),
        "reshaped": (lambda p: floats(p).reshape(len(p), 3, *p.shape[1:3]) / 127.5 - 1, "reshape"),
        "channels first of all": (lambda p: floats(p).permute(3, 0, 1, 2) / 127.5 - 1, "T and C"),
        "overflow": (lambda p: torch.from_numpy(p * 2).movedim(-1, 1) / 255 - 1, "overflow"),
        "doubles": (lambda p: torch.from_numpy(p / 127.5 - 1).movedim(-1, 1), "float32"),
    },
    "pipeline.resize_and_crop": {
        "squeezed": (lambda c, s: scaled(c, (s, s)), "squeezed"),
        "no antialias": (lambda c, s: middle(scaled(c, wide_shape(c, s), False), s), "antialias"),
        "nearest": (lambda c, s: middle(F.interpolate(c, wide_shape(c, s)), s), "nearest"),
        "only cut": (middle, "Nothing was resized"),
        "top left": (lambda c, s: scaled(c, wide_shape(c, s))[..., :s, :s], "top left"),
        "cut first": (lambda c, s: scaled(middle(c, min(c.shape[2:])), (s, s)), "resize first"),
        "not cut": (lambda c, s: scaled(c, wide_shape(c, s)), "still to be cut"),
        "longer edge": (lambda c, s: scaled(c, wide_shape(c, s, max)), "shorter one"),
        "the height": (lambda c, s: middle(scaled(c, (s, c.shape[3] * s // c.shape[2])), s), "Which edge is shorter?"),
    },
    "pipeline.colour_histogram": {
        "counts": (lambda x, b=4: counted(x, b, share=False), "These are counts"),
        "first fastest": (lambda x, b=4: counted(x, b, last_first=True), "first channel counts most"),
        "0 to 1": (lambda x, b=4: counted(x, b, low=0), "not in [0, 1]"),
        "mean of the batch": (lambda x, b=4: counted(x, b).mean(0), "no mean over the batch"),
        "all together": (lambda x, b=4: counted(x, b).mean(0).expand(len(x), -1), "all of them together"),
        "by the largest": (lambda x, b=4: F.normalize(counted(x, b), p=float("inf")), "largest count"),
        "brightness": (lambda x, b=4: counted(x.mean(1, keepdim=True).expand_as(x), b), "You count brightness"),
        "no clamp": (lambda x, b=4: torch.stack([counted(i[None], b, clamp=False)[0, :b ** 3] for i in x]), "clamp the part"),
    },
    "pipeline.duplicate_frames": {
        "mean of the frame": (lambda *a: repeats(*a, of="frame"), "waving hand"),
        "largest pixel": (lambda *a: repeats(*a, of="pixels"), "a little noise"),
        "no abs": (lambda *a: repeats(*a, size=lambda x: x), "cancel"),
        "no first": (lambda *a: repeats(*a, pad=False), "put a False in front"),
        "first is one": (lambda *a: repeats(*a, first=True), "nothing before it"),
        "the others": (lambda *a: ~repeats(*a), "where the change is small"),
        "the frame after": (lambda *a: repeats(*a).roll(-1), "t + 1"),
        "smallest block": (lambda *a: repeats(*a, best="amin"), "smallest block"),
        "own threshold": (lambda clip, *a: repeats(clip), "argument `threshold`"),
        "with the first": (lambda clip, threshold=2 / 127.5: torch.cat(
            [torch.zeros(1).bool(), F.avg_pool2d((clip[1:] - clip[:1]).abs().mean(1, keepdim=True), 8).flatten(1).amax(1)
             < threshold]), "not with the first one"),
    },
    "pipeline.whole_clips": {
        "blind to cuts": (lambda v, c, n: clips_at(v, n, range(0, len(v) - n + 1, n)), "across a cut"),
        "overlapping": (lambda *a: clips_of_scenes(*a, step=1), "overlap"),
        "no first scene": (lambda *a: clips_of_scenes(*a, first=False), "first scene is missing"),
        "no last scene": (lambda *a: clips_of_scenes(*a, last=False), "last scene is missing"),
        "cut one late": (lambda *a: clips_of_scenes(*a, later=1), "belongs to the new scene"),
        "one a scene": (lambda *a: clips_of_scenes(*a, most=1), "more than one clip"),
        "from the end": (clips_from_the_end, "Count from the first frame"),
        "end of range": (lambda *a: clips_of_scenes(*a, short=1), "end of your range"),
        "a list": (lambda v, c, n: list(reference.whole_clips(v, c, n).unbind()) or None, "Expected"),
    },
    "pipeline.augment": {
        "as given": (lambda clip, rng, **o: augmented(clip, rng, mirror=-2, coins=True, lights=True, clamp=False, **o),
                     "Toss one coin"),
        "light flickers": (lambda clip, rng, **o: augmented(clip, rng, lights=True, **o), "one number for the clip"),
        "coins": (lambda clip, rng, **o: augmented(clip, rng, coins=True, **o), "Toss one coin"),
        "upside down": (lambda clip, rng, **o: augmented(clip, rng, mirror=-2, **o), "on their heads"),
        "backwards": (lambda clip, rng, **o: augmented(clip, rng, mirror=0, **o), "backwards"),
        "no clamp": (lambda clip, rng, **o: augmented(clip, rng, clamp=False, **o), "lighter than white"),
        "never mirrored": (lambda clip, rng, **o: augmented(clip, rng, odds=0, **o), "every other one"),
        "never moved": (lambda clip, rng, **o: augmented(clip, rng, moves=False, **o), "-shift to +shift"),
        "only lighter": (lambda clip, rng, **o: augmented(clip, rng, one_sided=True, **o), "-light to +light"),
        "shakes": (lambda clip, rng, **o: augmented(clip, rng, moves_each=True, **o), "makes it flicker"),
        "nothing": (lambda clip, rng, **o: clip, "every other one"),
    },
    "pipeline.autoencoder_step": {
        "no zero_grad": (lambda *a: stepped(*a, clear=False), "zero_grad() before"),
        "no step": (lambda *a: stepped(*a, move=False), "did not move"),
        "uphill": (lambda *a: stepped(*a, sign=-1), "It climbs"),
        "absolute": (lambda *a: stepped(*a, loss=F.l1_loss), "mean absolute error"),
        "sum": (lambda *a: stepped(*a, loss=torch.nn.MSELoss(reduction="sum")), "not their sum"),
        "towards zero": (lambda *a: stepped(*a, loss=lambda y, x: y.square().mean()), "not zero"),
        "root": (lambda *a: stepped(*a, loss=lambda y, x: F.mse_loss(y, x).sqrt()), "No square root"),
        "not detached": (lambda *a: stepped(*a, detach=False), "loss.detach()"),
        "after": (lambda *a: stepped(*a, again=True), "after the step"),
        "detached too early": (lambda m, o, c: stepped(lambda x: m(x).detach(), o, c), "graph is cut"),
    },
}
