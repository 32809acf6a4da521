"""What acts between a pair of particles: forms V(r), one small class a file."""

from glassbotan.structure.interaction.form import (
    PairForm,
    Powers,
    Shift,
    form_named,
    form_names,
    register,
)

__all__ = ["PairForm", "Powers", "Shift", "form_named", "form_names", "register"]
