"""What happened to a glass: ensembles of trajectories and the averages that describe motion."""

from glassbotan.dynamics.bonds import Bonds
from glassbotan.dynamics.ceiling import noise_ceiling
from glassbotan.dynamics.ensemble import IsoconfigurationalEnsemble
from glassbotan.dynamics.force_balance import ForceBalance, force_balance
from glassbotan.dynamics.motion import Motion
from glassbotan.dynamics.non_gaussian import non_gaussian_parameter
from glassbotan.dynamics.overlap import four_point_susceptibility, overlap
from glassbotan.dynamics.propensity import (
    bond_breaking,
    bond_extension,
    motion_of,
    propensity,
)
from glassbotan.dynamics.quantities import QUANTITIES, Quantity
from glassbotan.dynamics.relaxation import (
    mean_squared_displacement,
    self_intermediate_scattering,
    tau_alpha,
)
from glassbotan.dynamics.summary import Relaxation, relaxation_of
from glassbotan.dynamics.trajectories import Trajectories

__all__ = [
    "QUANTITIES",
    "Bonds",
    "ForceBalance",
    "IsoconfigurationalEnsemble",
    "Motion",
    "Quantity",
    "Relaxation",
    "Trajectories",
    "bond_breaking",
    "bond_extension",
    "force_balance",
    "four_point_susceptibility",
    "mean_squared_displacement",
    "motion_of",
    "noise_ceiling",
    "non_gaussian_parameter",
    "overlap",
    "propensity",
    "relaxation_of",
    "self_intermediate_scattering",
    "tau_alpha",
]
