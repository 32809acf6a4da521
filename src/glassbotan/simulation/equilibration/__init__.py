"""Equilibrated snapshots: from a random start, or from another equilibrated one.

A job (job.py) melts and cools a random configuration (start.py, settings.py), or takes a snapshot
as it is, and then holds it at its temperature, while a record (record.py) is kept of energy and
relaxation, from which equilibrium is judged (judgement.py) and, for snapshots that leave one
start, how far they have left it and each other (decorrelation.py).
"""

from glassbotan.simulation.equilibration.decorrelation import Decorrelation
from glassbotan.simulation.equilibration.equilibrate import equilibrate
from glassbotan.simulation.equilibration.job import Equilibrated
from glassbotan.simulation.equilibration.judgement import Judgement
from glassbotan.simulation.equilibration.settings import EquilibrationSettings

__all__ = ["Decorrelation", "Equilibrated", "EquilibrationSettings", "Judgement", "equilibrate"]
