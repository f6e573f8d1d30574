"""Answers to the exercises of chapter 1; the form is that of gan_losses.py."""
import random

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


def cut_later(clip, size):
    """The middle, with the pixel that is left over above and on the left."""
    top, left = (clip.shape[-2] - size + 1) // 2, (clip.shape[-1] - size + 1) // 2
    return clip[..., top:top + size, left:left + size]


def interpolated(clip, size, **how):
    return middle(F.interpolate(clip, wide_shape(clip, size), **how), size)


def frames_resized(clip, size):
    """Right: frame by frame, with rounding in the place of whole division."""
    scale = size / min(clip.shape[2:])
    shape = [round(n * scale) for n in clip.shape[2:]]
    return torch.cat([middle(scaled(frame[None], shape), size) for frame in clip])


def counted(images, bins=4, *, last_first=False, low=-1, share=True, clamp=True, whole=torch.floor, parts=0, most=0):
    """A histogram put together from named parts."""
    rows = []
    for image in images:
        part = whole((image - low) / (1 - low) * (parts or bins)).long()
        part = part.clamp(0, bins - 1) if clamp else part
        colour = torch.zeros_like(part[0])
        for channel in part.flip(0) if last_first else part:
            colour = colour * bins + channel
        colour = colour % most if most else colour
        rows.append(torch.bincount(colour.flatten().clamp(min=0), minlength=bins ** len(image)).float())
    rows = [row / images[0, 0].numel() for row in rows] if share else rows
    return torch.stack(rows)


def of_three(images, bins=4):
    """Wrong: three channels are taken for granted."""
    r, g, b = (((images + 1) / 2 * bins).long().clamp(max=bins - 1)).unbind(1)
    colours = ((r * bins + g) * bins + b).flatten(1)
    return torch.stack([row.bincount(minlength=bins ** 3) for row in colours]) / colours.shape[1]


def histogram_by_comparison(images, bins=4):
    """Right: one mask for each colour."""
    part = ((images + 1) / 2 * bins).long().clamp(0, bins - 1)
    colours = torch.cartesian_prod(*[torch.arange(bins)] * images.shape[1]).view(bins ** images.shape[1], -1)
    return torch.stack([(part == colour[:, None, None]).all(1).float().mean((1, 2)) for colour in colours], 1)


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
    """Right: blocks by reshaping."""
    change = (clip[1:] - clip[:-1]).abs().mean(1)
    blocks = change.unflatten(2, (-1, block)).unflatten(1, (-1, block)).mean((2, 4))
    return torch.cat([torch.zeros(1).bool(), blocks.flatten(1).max(1).values < threshold])


def repeats_of(change, threshold=2 / 127.5, block=8, blocks=F.avg_pool2d):
    """Wrong or right: from the change of each pixel, (T - 1, 1, H, W)."""
    return F.pad(blocks(change, block).flatten(1).amax(1) < threshold, (1, 0))


def repeats_since_the_last_kept(clip, threshold=2 / 127.5, block=8):
    """Wrong: what mpdecimate does."""
    kept, found = clip[0], [False]
    for frame in clip[1:]:
        found.append(bool(F.avg_pool2d((frame - kept).abs().mean(0, keepdim=True), block).max() < threshold))
        kept = kept if found[-1] else frame
    return torch.tensor(found)


def repeats_in_rows(clip, threshold=2 / 127.5, block=8):
    """Wrong: 64 pixels in a row in the place of a square."""
    change = (clip[1:] - clip[:-1]).abs().mean(1)
    return F.pad(change.reshape(len(change), -1, block * block).mean(2).amax(1) < threshold, (1, 0))


def repeats_unfold_and_list(clip, threshold=2 / 127.5, block=8):
    """Right: blocks by unfold, each answer in its turn."""
    change = (clip - clip.roll(1, 0)).abs().mean(1)
    blocks = change.unfold(1, block, block).unfold(2, block, block).mean((-1, -2))
    found = torch.tensor([bool((one < threshold).all()) for one in blocks])
    found[0] = False
    return found


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


def augmented_by_numpy(clip, rng, shift=2, light=0.1):
    """Right: a NumPy generator seeded from the one handed over, padded by NumPy."""
    draw = np.random.default_rng(int(torch.randint(2 ** 31, (), generator=rng)))
    array = clip.numpy()[..., ::draw.choice([-1, 1])]
    array = np.pad(array, [(0, 0), (0, 0), (shift, shift), (shift, shift)], mode="edge")
    top, left = draw.integers(0, 2 * shift + 1, 2)
    array = array[:, :, top:top + clip.shape[2], left:left + clip.shape[3]] + draw.uniform(-light, light)
    return torch.from_numpy(array.clip(-1, 1)).float()


def augmented_by(clip, rng, shift=2, light=0.1, *, draws=None, lit=None):
    """An augmentation from four numbers of [0, 1): the coin, two of the place, the light."""
    coin, down, right, bright = draws(lambda *shape: torch.rand(*shape, generator=rng))
    height, width = clip.shape[2:]
    clip = clip.flip(-1) if coin < 0.5 else clip
    top, left = int(down * (2 * shift + 1)), int(right * (2 * shift + 1))
    clip = F.pad(clip, [shift] * 4, mode="replicate")[:, :, top:top + height, left:left + width]
    offset = light * (2 * bright - 1)
    return lit(clip, offset) if lit else (clip + offset).clamp(-1, 1)


def four(rand):
    return rand(4)


def lit_by(lit):
    """Wrong: the light is not added, or not clamped, as asked."""
    return lambda clip, rng, **options: augmented_by(clip, rng, draws=four, lit=lit, **options)


def augmented_from_elsewhere(clip, rng, **options):
    """Wrong: Python's generator."""
    return augmented_by(clip, rng, draws=lambda _: [random.random() for _ in range(4)], **options)


def augmented_from_torch(clip, rng, **options):
    """Wrong: torch's own generator."""
    return augmented_by(clip, rng, draws=lambda _: torch.rand(4), **options)


def augmented_in_place(clip, rng, shift=2, light=0.1):
    """Wrong: the light is added to the caller's clip."""
    clip += light * (2 * torch.rand((), generator=rng) - 1)
    return augmented(clip.clamp_(-1, 1), rng, shift, 0.0)


def noise_for(codes, count, rng):
    return torch.randn(count, codes.shape[1], generator=rng)


def gaussian(codes, count, rng, *, root=torch.linalg.cholesky, mean=True, noise=noise_for):
    """A Gaussian put together from named parts: a root A of the covariance C with A @ A.T = C."""
    return noise(codes, count, rng) @ root(codes.T.cov()).T + (codes.mean(0) if mean else 0)


def symmetric_root(covariance):
    values, vectors = torch.linalg.eigh(covariance)
    return vectors @ values.clamp(min=0).sqrt().diag() @ vectors.T


def gaussian_by_svd(codes, count, rng):
    """Right: along the directions of the deviations."""
    centred = codes - codes.mean(0)
    _, scale, directions = torch.linalg.svd(centred, full_matrices=False)
    return codes.mean(0) + noise_for(codes, count, rng) * scale / (len(codes) - 1) ** 0.5 @ directions


def gaussian_by_numpy(codes, count, rng):
    """Right: NumPy's own Gaussian, seeded from `rng`."""
    other = np.random.default_rng(int(torch.randint(2 ** 31, (1,), generator=rng)))
    made = other.multivariate_normal(codes.mean(0).numpy(), np.cov(codes.T.numpy()), count)
    return torch.tensor(made, dtype=torch.float32)


def gaussian_one_by_one(codes, count, rng):
    """Right: code after code, with the covariance written out."""
    centred = codes - codes.mean(0)
    root = torch.linalg.cholesky(centred.T @ centred / (len(codes) - 1))
    return torch.stack([codes.mean(0) + root @ torch.randn(codes.shape[1], generator=rng) for _ in range(count)])


def gaussian_wound_back(codes, count, rng):
    """Wrong: another generator of the same seed, each time anew."""
    return gaussian(codes, count, torch.Generator().manual_seed(rng.initial_seed()))


def real_again(codes, count, rng, jitter=0.0):
    chosen = torch.randint(len(codes), (count,), generator=rng)
    return codes[chosen] + jitter * noise_for(codes, count, rng)


def between(codes, count, rng, half=False):
    t = 0.5 if half else torch.rand(count, 1, generator=rng)
    return t * real_again(codes, count, rng) + (1 - t) * real_again(codes, count, rng)


def one_number(codes, count, rng):
    return torch.randn(count, 1, generator=rng).expand(-1, codes.shape[1])


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


def stepped_by_closure(model, optimizer, clips):
    """Right: the optimiser asks for the error."""
    def closure():
        optimizer.zero_grad()
        loss = torch.dist(model(clips), clips) ** 2 / clips.numel()
        loss.backward()
        return loss
    return optimizer.step(closure).detach()


def stepped_between(model, optimizer, clips):
    """Wrong: the gradient is thrown away."""
    loss = F.mse_loss(model(clips), clips)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def stepped_clearing_late(model, optimizer, clips):
    """Wrong: what stood there before the first step counts."""
    value = stepped(model, optimizer, clips, clear=False)
    optimizer.zero_grad()
    return value


def stepped_twice(model, optimizer, clips):
    value = stepped(model, optimizer, clips)
    optimizer.step()
    return value


def stepped_in_eval(model, optimizer, clips):
    """Wrong: the mode stays."""
    model.eval()
    return stepped(model, optimizer, clips)


def stepped_by_hand(model, optimizer, clips):
    """Wrong: plain descent in the place of the optimiser's step."""
    value = stepped(model, optimizer, clips, move=False)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.data -= group["lr"] * parameter.grad
    return value


def stepped_for_nothing(model, optimizer, clips):
    stepped(model, optimizer, clips)


def floats(pixels):
    return torch.from_numpy(pixels).float()


RIGHT = {
    "pipeline.clip_from_pixels": {
        "permute": lambda pixels: floats(pixels).permute(0, 3, 1, 2) / 255 * 2 - 1,
        "frame by frame": pixels_one_by_one,
        "torchvision": lambda pixels: v2.functional.to_dtype(
            torch.tensor(pixels).movedim(3, 1), torch.float32, scale=True) * 2 - 1,
        "einsum": lambda pixels: torch.einsum("thwc->tchw", (floats(pixels) - 127.5) / 127.5).contiguous(),
    },
    "pipeline.resize_and_crop": {
        "torchvision": lambda clip, size: v2.functional.center_crop(
            v2.functional.resize(clip, [size], antialias=True), [size, size]),
        "frame by frame": frames_resized,
        "half of the rest, rounded up": lambda c, s: cut_later(scaled(c, wide_shape(c, s)), s),
    },
    "pipeline.colour_histogram": {"bincount": counted, "NumPy": histogram_by_numpy, "one-hot": histogram_one_hot,
                                  "masks": histogram_by_comparison},
    "pipeline.duplicate_frames": {"loop": repeats_in_a_loop, "unfolded": repeats_unfolded, "parts": repeats,
                                  "rolled": repeats_unfold_and_list},
    "pipeline.augment": {"parts": augmented, "other order": augmented_by_rolling_indices,
                         "four numbers": lambda clip, rng, **o: augmented_by(clip, rng, draws=four, **o),
                         "NumPy": augmented_by_numpy},
    "pipeline.autoencoder_step": {"written out": stepped_clearing_behind, "autograd": stepped_by_autograd,
                                   "closure": stepped_by_closure},
    "pipeline.gaussian_codes": {"Cholesky": gaussian, "another root": lambda *a: gaussian(*a, root=symmetric_root),
                                "SVD": gaussian_by_svd, "NumPy": gaussian_by_numpy, "one by one": gaussian_one_by_one},
}

WRONG = {
    "pipeline.clip_from_pixels": {
        "by the maximum": (lambda p: floats(p).movedim(-1, 1) / (127.5 if p.max() > 1 else 0.5) - 1, "not by the largest"),
        "0 to 1": (lambda p: floats(p).movedim(-1, 1) / 255, "[0, 1]"),
        "not scaled": (lambda p: floats(p).movedim(-1, 1), "still those of the pixels"),
        "by 128": (lambda p: floats(p).movedim(-1, 1) / 128 - 1, "not 256"),
        "channels last": (lambda p: floats(p) / 127.5 - 1, "channels are still last"),
        "transposed": (lambda p: floats(p).transpose(1, 3) / 127.5 - 1, "Height and width"),
        "reshaped": (lambda p: floats(p).reshape(len(p), 3, *p.shape[1:3]) / 127.5 - 1, "reshape"),
        "channels first of all": (lambda p: floats(p).permute(3, 0, 1, 2) / 127.5 - 1, "T and C"),
        "overflow": (lambda p: torch.from_numpy(p * 2).movedim(-1, 1) / 255 - 1, "overflow"),
        "its own range": (lambda p: floats(p - p.min()).movedim(-1, 1) / (p.max() - p.min()) * 2 - 1, "no pixel is"),
        "by its largest": (lambda p: floats(p).movedim(-1, 1) / p.max() * 2 - 1, "255 becomes 1, also"),
        "half": (lambda p: torch.from_numpy(p).movedim(-1, 1).half() / 127.5 - 1, "16 bits"),
        "negative": (lambda p: 1 - floats(p).movedim(-1, 1) / 127.5, "Black and white"),
        "squeezed": (lambda p: (floats(p).movedim(-1, 1) / 127.5 - 1).squeeze(), "keeps its time axis"),
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
        "the height": (lambda c, s: middle(scaled(c, (s, c.shape[3] * s // c.shape[2])), s), "the height to the size"),
        "the width": (lambda c, s: middle(scaled(c, (c.shape[2] * s // c.shape[3], s)), s), "the width to the size"),
        "bicubic": (lambda c, s: interpolated(c, s, mode="bicubic", antialias=True), "bicubic"),
        "area": (lambda c, s: interpolated(c, s, mode="area"), "plain mean"),
        "corners": (lambda c, s: interpolated(c, s, mode="bilinear", antialias=True, align_corners=True), "align_corners"),
    },
    "pipeline.colour_histogram": {
        "counts": (lambda x, b=4: counted(x, b, share=False), "These are counts"),
        "first fastest": (lambda x, b=4: counted(x, b, last_first=True), "first channel counts most"),
        "0 to 1": (lambda x, b=4: counted(x, b, low=0), "not in [0, 1]"),
        "mean of the batch": (lambda x, b=4: counted(x, b).mean(0), "no mean over the batch"),
        "all together": (lambda x, b=4: counted(x, b).mean(0).expand(len(x), -1), "all of them together"),
        "by the largest": (lambda x, b=4: F.normalize(counted(x, b), p=float("inf")), "largest count"),
        "brightness": (lambda x, b=4: counted(x.mean(1, keepdim=True).expand_as(x), b), "You count brightness"),
        "by all images": (lambda x, b=4: counted(x, b) / len(x), "do not sum to 1"),
        "by all numbers": (lambda x, b=4: counted(x, b) / x.shape[1], "do not sum to 1"),
        "rounded": (lambda x, b=4: counted(x, b, whole=torch.round), "Round down"),
        "one part less": (lambda x, b=4: counted(x, b, parts=b - 1), "not times bins - 1"),
        "one part less, rounded": (lambda x, b=4: counted(x, b, parts=b - 1, whole=torch.round), "equally wide"),
        "three channels": (of_three, "any C"),
        "bytes": (lambda x, b=4: counted(x, b, most=256), "8 bits overflow"),
        "by the square": (lambda x, b=4: counted(x, b) * x.shape[3] / x.shape[2], "do not sum to 1"),
        "four bins": (lambda x, b=4: counted(x, 4), "Expected shape"),
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
        "with the first": (lambda clip, *a: repeats_of((clip[1:] - clip[:1]).abs().mean(1, keepdim=True), *a),
                           "not with the first one"),
        "with the last kept": (repeats_since_the_last_kept, "the last one that is kept"),
        "squares": (lambda *a: repeats(*a, size=torch.square), "squares"),
        "brightness": (lambda clip, *a: repeats_of(reference.luma(clip).diff(dim=0).abs()[:, None], *a), "hardly sees blue"),
        "channels cancel": (lambda clip, *a: repeats_of(clip.diff(dim=0).mean(1, keepdim=True).abs(), *a), "One colour up"),
        "blocks cancel": (lambda clip, threshold=2 / 127.5, block=8: F.pad(F.avg_pool2d(
            clip.diff(dim=0), block).abs().mean(1).amax((1, 2)) < threshold, (1, 0)), "Darker and lighter cancel"),
        "red alone": (lambda clip, *a: repeats_of(clip[:, :1].diff(dim=0).abs(), *a), "red alone"),
        "largest channel": (lambda clip, *a: repeats_of(clip.diff(dim=0).abs().amax(1, keepdim=True), *a), "largest of them"),
        "sum of the channels": (lambda clip, *a: repeats_of(clip.diff(dim=0).abs().sum(1, keepdim=True), *a), "their sum"),
        "blocks of eight": (lambda clip, threshold=2 / 127.5, block=8: repeats(clip, threshold), "8 is its default"),
        "overlapping": (lambda clip, *a: repeats_of(clip.diff(dim=0).abs().mean(1, keepdim=True), *a,
                                                    blocks=lambda x, n: F.avg_pool2d(x, n, 1)), "do not overlap"),
        "in rows": (repeats_in_rows, "edge to edge"),
        "floats": (lambda *a: repeats(*a).float(), "tensor of bool"),
        "list": (lambda *a: repeats(*a).tolist(), "tensor of bool"),
        "at most": (lambda clip, threshold=2 / 127.5, block=8: F.pad(F.avg_pool2d(clip.diff(dim=0).abs().mean(1), block).amax(
            (1, 2)) <= threshold, (1, 0)), "where it is equal"),
        "three channels": (lambda clip, *a: repeats_of(clip.diff(dim=0).abs().sum(1, keepdim=True) / 3, *a), "not by 3"),
        "squeezed": (lambda clip, threshold=2 / 127.5, block=8: torch.tensor([False, *(F.avg_pool2d(
            clip.diff(dim=0).abs().mean(1), block).squeeze().amax((1, 2)) < threshold)]), "may have two frames"),
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
        "nothing": (lambda clip, rng, **o: clip, "Nothing happens"),
        "another generator": (augmented_from_torch, "torch's own generator"),
        "another module": (augmented_from_elsewhere, "draw from `rng` alone"),
        "along the diagonal": (lambda clip, rng, **o: augmented_by(clip, rng, draws=lambda rand: rand(3)[[0, 1, 1, 2]], **o),
                               "One draw decides both how far it moves down"),
        "coin and light": (lambda clip, rng, **o: augmented_by(clip, rng, draws=lambda rand: rand(3)[[0, 1, 2, 0]], **o),
                           "One draw decides both whether it is mirrored and the light"),
        "each channel": (lit_by(lambda x, d: (x + d * torch.tensor([1, -1, 0.5])[:x.shape[1], None, None]).clamp(-1, 1)),
                         "Each channel"),
        "a factor": (lit_by(lambda x, d: (x * (1 + d)).clamp(-1, 1)), "no factor"),
        "0 to 1": (lit_by(lambda x, d: (x + d).clamp(0, 1)), "Values below 0"),
        "two lights": (lit_by(lambda x, d: (x + 0.1 * d.sign()).clamp(-1, 1)), "anything from -light"),
        "too much light": (lit_by(lambda x, d: (x + 2 * d).clamp(-1, 1)), "more than `light`"),
        "its own light": (lambda clip, rng, shift=2, light=0.1: augmented(clip, rng, shift), "are arguments"),
        "its own shift": (lambda clip, rng, shift=2, light=0.1: augmented(clip, rng, 2, light), "are arguments"),
        "tanh": (lit_by(lambda x, d: (x + d).tanh()), "tanh bends"),
        "in place": (augmented_in_place, "changes `clip` in place"),
        "wound back": (lambda clip, rng, **o: augmented(clip, torch.Generator().manual_seed(rng.initial_seed()), **o),
                       "goes on from draw to draw"),
        "two of three mirrored": (lambda clip, rng, **o: augmented(clip, rng, odds=0.69, **o), "every other one"),
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
        "zero_grad in between": (stepped_between, "throws the gradient away"),
        "zero_grad at the end": (stepped_clearing_late, "zero_grad() before"),
        "two steps": (stepped_twice, "twice as far"),
        "smooth": (lambda *a: stepped(*a, loss=F.smooth_l1_loss), "smooth L1"),
        "sum over a clip": (lambda *a: stepped(*a, loss=lambda y, x: F.mse_loss(y, x, reduction="sum") / len(x)),
                            "sum over each clip"),
        "halved": (lambda *a: stepped(*a, loss=lambda y, x: F.mse_loss(y, x) / 2), "Half of"),
        "eval for good": (stepped_in_eval, "another mode"),
        "returns nothing": (stepped_for_nothing, "returns None"),
        "train for good": (lambda m, *a: stepped(m.train(), *a), "another mode"),
        "by hand": (stepped_by_hand, "This is plain descent"),
    },
    "pipeline.gaussian_codes": {
        "plain noise": (noise_for, "plain noise"),
        "no mean": (lambda *a: gaussian(*a, mean=False), "add the mean"),
        "no covariance": (lambda *a: gaussian(*a, root=lambda c: torch.eye(len(c))), "mean is right"),
        "each by itself": (lambda *a: gaussian(*a, root=lambda c: c.diag().sqrt().diag()), "by itself"),
        "by the variances": (lambda *a: gaussian(*a, root=lambda c: c.diag().diag()), "by its root"),
        "by the covariance": (lambda *a: gaussian(*a, root=lambda c: c), "root of it"),
        "root transposed": (lambda *a: gaussian(*a, root=lambda c: torch.linalg.cholesky(c).T), "transposed"),
        "one number": (lambda *a: gaussian(*a, noise=one_number), "draw K"),
        "one number each": (lambda *a: gaussian(*a, root=lambda c: c.diag().sqrt().diag(), noise=one_number), "draw K"),
        "not divided": (lambda *a: gaussian(*a, root=lambda c: 59 ** 0.5 * torch.linalg.cholesky(c)), "N - 1"),
        "all the same": (lambda c, n, rng: gaussian(c, 1, rng).expand(n, -1), "All codes are the same"),
        "real ones again": (real_again, "real ones, drawn again"),
        "a little beside": (lambda *a: real_again(*a, jitter=0.05), "one heap"),
        "between two": (between, "between two real"),
        "half way": (lambda *a: between(*a, half=True), "between two real"),
        "as many as there are": (lambda c, n, rng: gaussian(c, len(c), rng), "Expected `count` codes"),
        "another generator": (lambda c, n, rng: gaussian(c, n, None), "torch's own generator"),
        "by N": (lambda c, n, rng: gaussian(c, n, rng, root=lambda C: torch.linalg.cholesky(c.T.cov(correction=0))),
                 "by N - 1, not by N"),
        "jitter": (lambda *a: gaussian(*a, root=lambda c: torch.linalg.cholesky(c + 0.01 * torch.eye(len(c)))),
                   "numbers differ"),
        "wound back": (gaussian_wound_back, "goes on from draw to draw"),
        "one seed": (lambda c, n, rng: gaussian(c, n, torch.Generator().manual_seed(0)), "draw from `rng`"),
    },
}
