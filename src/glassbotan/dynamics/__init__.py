"""What happened to a glass: ensembles of trajectories and the averages that describe motion."""

from glassbotan.dynamics.bond_breaking import bond_breaking
from glassbotan.dynamics.ceiling import noise_ceiling
from glassbotan.dynamics.ensemble import IsoconfigurationalEnsemble
from glassbotan.dynamics.motion import Motion
from glassbotan.dynamics.propensity import bond_extension, motion_of, propensity
from glassbotan.dynamics.relaxation import (
    mean_squared_displacement,
    self_intermediate_scattering,
    tau_alpha,
)

__all__ = [
    "IsoconfigurationalEnsemble",
    "Motion",
    "bond_breaking",
    "bond_extension",
    "mean_squared_displacement",
    "motion_of",
    "noise_ceiling",
    "propensity",
    "self_intermediate_scattering",
    "tau_alpha",
]
