"""How far the training is, and what its last validation said."""

import sys
from contextlib import ExitStack
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from glassbotan.progress import Progress, silent
from glassbotan.progress_bar import is_drawn, is_quiet, shown


class EpochProgress(Callback):
    """Tells the snapshots done, by a bar on a terminal; elsewhere writes a line a validation."""

    def __init__(self) -> None:
        self.progress: Progress = silent
        self.figures = ""
        self._stack = ExitStack()
        self._done = self._total = 0

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:  # noqa: ARG002
        """Show the bar on the first process."""
        if trainer.is_global_zero and is_drawn():
            self.progress = self._stack.enter_context(shown())
        self._total = int(trainer.estimated_stepping_batches) * trainer.accumulate_grad_batches
        self._done = trainer.current_epoch * int(trainer.num_training_batches)
        self._tell(trainer)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Advance by one snapshot of each process."""
        self._done += 1
        self._tell(trainer)

    def on_validation_end(self, trainer: lightning.Trainer, module: Any) -> None:  # noqa: ARG002
        """Tell the validation's figures."""
        told = {
            name.removeprefix("validation/"): float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith("validation/")
        }
        # The loss, its parts, and the correlation.
        order = sorted(told, key=lambda name: (name != "loss", "loss" not in name))
        self.figures = "  ".join(f"{name} {told[name]:.4f}" for name in order)
        self._tell(trainer)
        if trainer.is_global_zero and not is_drawn() and not is_quiet():
            epoch = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            sys.stderr.write(f"{epoch}  {self.figures}\n")

    def on_train_end(self, trainer: lightning.Trainer, module: Any) -> None:  # noqa: ARG002
        """Take the bar away."""
        self._stack.close()

    def on_exception(self, trainer: lightning.Trainer, module: Any, exception: Any) -> None:  # noqa: ARG002
        """Take the bar away, so that a message stands alone."""
        self._stack.close()

    def _tell(self, trainer: lightning.Trainer) -> None:
        self.progress(
            self._done * trainer.world_size,
            self._total * trainer.world_size,
            f"epoch {trainer.current_epoch}",
            unit="snapshots",
            note=self.figures,
        )
