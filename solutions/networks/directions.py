"""Chapter 12: directions in z that are in the weights, and walks along a direction."""
from __future__ import annotations

import torch
from torch import Tensor


def closed_form_directions(weight: Tensor, count: int = 5) -> Tensor:
    """The directions in z that move the first layer most, without a sample: eigenvectors of A^T A.

    Args:
        weight: A (out, nz), of the layer that z enters; a transposed convolution's (nz, out, 4, 4) is
            weight.flatten(1).T.
    Returns:
        (count, nz), orthonormal, the strongest first; a direction's sign has no meaning.
    Source: Shen and Zhou 2021, "Closed-Form Factorization of Latent Semantics in GANs", eq. 5.
    """
    eigenvectors = torch.linalg.eigh(weight.T @ weight).eigenvectors  # columns, the weakest first
    return eigenvectors.flip(1).T[:count]


def walk(z: Tensor, direction: Tensor, distances: Tensor) -> Tensor:
    """z (nz,) moved along a direction (nz,) by each of the distances (K,),
    to see what it changes: (K, nz)."""
    return z + distances[:, None] * direction
