"""What the book shows in the place of its live demos where they cannot run: on paper, or without JavaScript.

    python -m solutions.published.live_pictures    writes them into book/assets/live/
"""
from __future__ import annotations

from pathlib import Path
from typing import cast

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from clipkit import Picture, film_strip, image_grid
from clipkit.figures import DISCRIMINATOR, FAKE, REAL, figure
from clipkit.steered_walkers import COMMANDS
from solutions.gan_losses import eight_gaussians, train
from solutions.models.steered import Steered
from solutions.published.shipped import trained

FOLDER = Path(__file__).parents[2] / "book" / "assets" / "live"
EDGE = 1.7  # of the plane, as in the demo


def image() -> Picture:
    """Sixteen people by the shipped DCGAN."""
    generator, recipe = trained("dcgan")
    return image_grid(recipe.sample(generator, 16), alt="people", scale=1)


def video() -> Picture:
    """Four people by the shipped MoCoGAN, a film strip each."""
    generator, recipe = trained("mocogan")
    return film_strip(recipe.sample(generator, 4, seed=1), alt="people who move", scale=1)


def steered(frames: int = 8) -> Picture:
    """One person by the shipped Steered, who obeys each command in a film strip of its own."""
    generator = cast(Steered, trained("steered")[0])
    rng = torch.Generator().manual_seed(1)
    command, noise = torch.arange(len(COMMANDS)), torch.randn(frames, generator.next.noise, generator=rng)
    person = generator.likeliest(torch.randn(1, 8, generator.first.nz, generator=rng))
    state, clips = generator.begin(person.expand(len(COMMANDS), -1)), []
    for shock in noise:
        state = generator.step(state, command, shock.expand(len(COMMANDS), -1))
        clips.append(generator.shown(state))
    return film_strip(torch.stack(clips, 1), alt="a person who obeys", scale=1)


def plane(steps: int = 1500) -> Picture:
    """The demo's networks after their training by torch: D's map, data, samples."""
    torch.manual_seed(1)
    rng = torch.Generator().manual_seed(1)
    generator, discriminator = mlp(2), mlp(1)
    real, z = lambda: eight_gaussians(128, rng), lambda: torch.randn(128, 2, generator=rng)
    train(generator, discriminator, real, z, steps, 4e-3)
    side = torch.linspace(-EDGE, EDGE, 80)
    with torch.no_grad():
        heat = discriminator(torch.cartesian_prod(side, side).flip(1)).sigmoid().unflatten(0, (80, 80))[..., 0]
        return drawn(heat, eight_gaussians(200, rng), generator(torch.randn(400, 2, generator=rng)))


def mlp(outputs: int) -> nn.Sequential:
    """Two hidden layers of 32, as in book/assets/live/toygan.js."""
    layers = [nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, outputs)]
    return nn.Sequential(*layers)


def drawn(heat: Tensor, real: Tensor, fake: Tensor) -> Picture:
    """D's map (H, W), data and samples, each (N, 2)."""
    fig = plt.figure(figsize=(3.6, 3.6))
    axis = fig.add_axes((0, 0, 1, 1))
    shade = plt.matplotlib.colors.LinearSegmentedColormap.from_list("D", ["white", DISCRIMINATOR])
    axis.imshow(heat, extent=(-EDGE, EDGE) * 2, origin="lower", cmap=shade, vmin=0, vmax=1.4, interpolation="bilinear")
    for points, color in ((real, REAL), (fake, FAKE)):
        axis.scatter(points[:, 0], points[:, 1], s=5, color=color)
    axis.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE), xticks=[], yticks=[])
    return figure(fig, alt="a GAN on the plane")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, make in {"image.png": image, "video.png": video, "steered.png": steered, "plane.webp": plane}.items():
        print(make().save(FOLDER / name))
