"""How data is made: engines of molecular dynamics and the ensembles that they run."""

from glassbotan.simulation.engines import available, start
from glassbotan.simulation.ensemble import simulate_ensemble
from glassbotan.simulation.equilibration import equilibrate
from glassbotan.simulation.protocol import EnsembleSettings
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.simulation.times import log_times

__all__ = [
    "DynamicsSettings",
    "EnsembleSettings",
    "available",
    "equilibrate",
    "log_times",
    "simulate_ensemble",
    "start",
]
