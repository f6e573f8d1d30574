"""Clips that several models are tried on."""
import pytest
import torch


@pytest.fixture
def walking_dot():
    """A clip (8, 1, 16, 16): a dot that walks over a grey ground."""
    clip = torch.full((8, 1, 16, 16), -0.5)
    for frame in range(8):
        clip[frame, 0, 6:10, 2 * frame:2 * frame + 3] = 1.0
    return clip
