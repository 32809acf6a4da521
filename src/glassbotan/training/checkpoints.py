"""Checkpoints that a kill in the middle of writing cannot break."""

from pathlib import Path
from typing import Any

from lightning.pytorch.plugins.io import TorchCheckpointIO

from glassbotan.io.atomic import atomic_output


class AtomicCheckpoints(TorchCheckpointIO):
    """Lightning's checkpoint files, written beside and renamed."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write ``checkpoint`` to ``path``; the old file stands until the new one is complete."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with atomic_output(Path(path)) as temporary:
            super().save_checkpoint(checkpoint, temporary, storage_options)
