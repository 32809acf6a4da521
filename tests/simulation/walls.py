"""What the walls of cages should do."""

import numpy as np


def walls_of(cages, positions):
    """The energy [..., N] and force [..., N, d] of cages' walls at positions [..., N, d]."""
    off = positions - cages.centres
    distance = np.linalg.norm(off, axis=-1)
    excess = np.maximum(distance - cages.radius, 0.0)
    pull = cages.stiffness * excess / np.maximum(distance, cages.radius)
    return 0.5 * cages.stiffness * excess**2, -pull[..., None] * off
