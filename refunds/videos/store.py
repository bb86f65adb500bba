"""The files of claim videos: one folder outside everything that is served, random names, whole pieces only.

``EVIDENCE_ROOT`` is shared by the web processes and the workers that look at videos. Nobody but them reads it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import Final

from django.conf import settings

KEY: Final = re.compile(r"[0-9a-f]{32}")
PIECE: Final = 1024 * 1024
# Uploads stop when the disk is so full; the shop's own work comes first.
FULL_AT: Final = 0.95


def path_of(key: str) -> Path:
    """Where the file with this key is or would be."""
    if not KEY.fullmatch(key):
        raise ValueError("not a key of the store")
    return Path(settings.EVIDENCE_ROOT) / key[:2] / key


def write(key: str, offset: int, piece: bytes) -> None:
    """Put ``piece`` at ``offset``; what a lost process may have left behind it goes."""
    path = path_of(key)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.truncate(offset)
        out.seek(offset)
        out.write(piece)
        out.flush()
        os.fsync(out.fileno())


def sha256(key: str) -> str:
    """The file's digest. Raises ``FileNotFoundError``."""
    with path_of(key).open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def delete(key: str) -> None:
    """Remove the file; none there is no error."""
    path_of(key).unlink(missing_ok=True)


def free() -> int:
    """How many bytes more leave the disk with its reserve; negative where there are none."""
    root = Path(settings.EVIDENCE_ROOT)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    disk = shutil.disk_usage(root)
    return int(disk.total * FULL_AT) - disk.used


def keys() -> set[str]:
    """The keys of all files that are there."""
    root = Path(settings.EVIDENCE_ROOT)
    return {path.name for path in root.glob("??/*") if KEY.fullmatch(path.name)}
