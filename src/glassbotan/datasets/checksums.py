"""The checksums of fetched files, kept in a JSON beside them and checked before use."""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from glassbotan.errors import GlassbotanError, InputError
from glassbotan.io.atomic import atomic_output

CHECKSUMS = "checksums.json"


@dataclass
class Checked:
    """A file as it was when its checksum was last found right.

    Attributes
    ----------
    checksum
        ``sha256:<hexadecimal>`` or ``md5:<hexadecimal>``.
    size, modified_ns
        Bytes and time of change; a file that still has both is not read again before use.
    url
        Where it came from.
    archive
        For an unpacked file, the archive that it was in.
    unpacked
        For an archive, the folder that holds its files.

    """

    checksum: str
    size: int
    modified_ns: int
    url: str | None = None
    archive: str | None = None
    unpacked: str | None = None


@dataclass
class Checksums:
    """The record of one data set's folder, by relative path."""

    folder: Path
    files: dict[str, Checked] = field(default_factory=dict)
    changed: bool = False

    @classmethod
    def read(cls, folder: Path) -> "Checksums":
        """Read the folder's record, an empty one where there is none.

        Raises
        ------
        InputError
            The record is damaged.

        """
        path = folder / CHECKSUMS
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            return cls(folder, {k: Checked(**v) for k, v in stored["files"].items()})
        except FileNotFoundError:
            return cls(folder)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(
                f"{path} is damaged; remove it, and the next fetch records the files anew"
            ) from None

    def write(self) -> None:
        """Write the record beside the files."""
        text = json.dumps({"files": {k: asdict(v) for k, v in self.files.items()}}, indent=1)
        with atomic_output(self.folder / CHECKSUMS) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
        self.changed = False

    def keep(self) -> None:
        """Write the record if it changed; a folder that this user only reads stays as it is."""
        if self.changed:
            with suppress(GlassbotanError):
                self.write()

    def put(self, relative: str, checksum: str, **origin: str) -> None:
        """Record that a file was just found to have this checksum.

        ``origin`` is what is known anew of ``url`` and ``archive``; see ``Checked``.
        """
        stat = (self.folder / relative).stat()
        old = self.files.get(relative)
        known = {"url": old.url, "archive": old.archive, "unpacked": old.unpacked} if old else {}
        self.files[relative] = Checked(
            checksum, stat.st_size, stat.st_mtime_ns, **{**known, **origin}
        )
        self.changed = True

    def check(self, relative: str, expected: str | None = None, *, anew: bool = False) -> bool:
        """Compare a file with its checksum, reading it only if it changed since the last time.

        Parameters
        ----------
        relative
            Its path in the folder.
        expected
            The published checksum; the recorded one where there is none.
        anew
            Read the file even if it looks unchanged.

        Returns
        -------
        Whether there was a checksum to compare with.

        Raises
        ------
        InputError
            The file differs.

        """
        record = self.files.get(relative)
        expected = expected or (record.checksum if record else None)
        if expected is None:
            return False
        path = self.folder / relative
        stat = path.stat()
        looks = (expected, stat.st_size, stat.st_mtime_ns)
        seen = (record.checksum, record.size, record.modified_ns) if record else None
        if anew or looks != seen:
            found = file_checksum(path, expected)
            if found != expected:
                raise InputError(
                    f"{path} is damaged or changed: its checksum is {found}, expected {expected}; "
                    "move it away and fetch again"
                )
            self.put(relative, found)
        return True


def file_checksum(path: Path, like: str | None = None) -> str:
    """Return ``algorithm:hexadecimal`` of a file, by the algorithm of ``like`` or SHA-256."""
    algorithm = like.partition(":")[0] if like else "sha256"
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
