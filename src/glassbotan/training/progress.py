"""How far the training is, at what rate, and what its last validation said."""

import logging
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

FIGURES = ("loss", "node_loss", "bond_loss", "pearson_A")


def _is_quiet() -> bool:
    """Tell whether the package's log was turned down, as the command line's --quiet does."""
    return logging.getLogger("glassbotan").level > logging.INFO


class EpochProgress(Callback):
    """A bar on a terminal; elsewhere (a log file) one line a validation."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.bar: Progress | None = None
        self.task = TaskID(0)

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:  # noqa: ARG002
        """Show the bar on the first process."""
        if _is_quiet() or not (trainer.is_global_zero and self.console.file.isatty()):
            return
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=self.console,
        )
        total = int(trainer.estimated_stepping_batches) * trainer.accumulate_grad_batches
        done = trainer.current_epoch * int(trainer.num_training_batches)
        self.task = self.bar.add_task(
            "train", total=total, completed=done, epoch=trainer.current_epoch, rate="", figures=""
        )
        self.bar.start()

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Advance by one snapshot of each process."""
        if self.bar is not None:
            speed = self.bar.tasks[0].speed
            rate = f"{speed * trainer.world_size:.2f} snapshots/s" if speed else ""
            self.bar.update(self.task, advance=1, epoch=trainer.current_epoch, rate=rate)

    def on_validation_end(self, trainer: lightning.Trainer, module: Any) -> None:  # noqa: ARG002
        """Show the validation's figures."""
        metrics = trainer.callback_metrics
        text = "  ".join(
            f"{name} {float(metrics[f'validation/{name}']):.4f}"
            for name in FIGURES
            if f"validation/{name}" in metrics
        )
        if self.bar is not None:
            self.bar.update(self.task, figures=text)
        elif trainer.is_global_zero and not _is_quiet():
            self.console.print(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  {text}")

    def on_train_end(self, trainer: lightning.Trainer, module: Any) -> None:  # noqa: ARG002
        """Take the bar away."""
        if self.bar is not None:
            self.bar.stop()

    def on_exception(self, trainer: lightning.Trainer, module: Any, exception: Any) -> None:  # noqa: ARG002
        """Take the bar away, so that a message stands alone."""
        self.on_train_end(trainer, module)
