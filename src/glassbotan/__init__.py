"""glassbotan: predict how a glass will move from one snapshot of its structure.

>>> import glassbotan as gb
>>> motion = gb.predict(gb.read("snapshot.extxyz"))

What these names need is loaded when they are first used; importing the package costs little.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassbotan.dynamics import IsoconfigurationalEnsemble, Motion
    from glassbotan.errors import GlassbotanError, InputError, RunError
    from glassbotan.evaluation.protocol import evaluate
    from glassbotan.io import read, read_ensemble, read_motion, write
    from glassbotan.models.predictor import load_predictor, predict
    from glassbotan.models.registry import load_model
    from glassbotan.simulation import simulate_ensemble
    from glassbotan.structure import NeighbourGraph, Snapshot, neighbour_graph
    from glassbotan.structure.inherent import inherent_structure
    from glassbotan.training import train

_HOMES = {
    "GlassbotanError": "errors",
    "InputError": "errors",
    "IsoconfigurationalEnsemble": "dynamics",
    "Motion": "dynamics",
    "NeighbourGraph": "structure",
    "RunError": "errors",
    "Snapshot": "structure",
    "evaluate": "evaluation.protocol",
    "inherent_structure": "structure.inherent",
    "load_model": "models.registry",
    "load_predictor": "models.predictor",
    "neighbour_graph": "structure",
    "predict": "models.predictor",
    "read": "io",
    "read_ensemble": "io",
    "read_motion": "io",
    "simulate_ensemble": "simulation",
    "train": "training",
    "write": "io",
}

__all__ = [
    "GlassbotanError",
    "InputError",
    "IsoconfigurationalEnsemble",
    "Motion",
    "NeighbourGraph",
    "RunError",
    "Snapshot",
    "evaluate",
    "inherent_structure",
    "load_model",
    "load_predictor",
    "neighbour_graph",
    "predict",
    "read",
    "read_ensemble",
    "read_motion",
    "simulate_ensemble",
    "train",
    "write",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("glassbotan.provenance").package_version()
    if name not in _HOMES:
        raise AttributeError(f"module 'glassbotan' has no attribute {name!r}")
    return getattr(import_module(f"glassbotan.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
