"""Uploaded archives: files in the data folder under the name of their SHA-256, so that one upload is stored once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from assessor.services.errors import Invalid

__all__ = ["UPLOAD_LIMIT", "remove_unnamed", "save_upload", "upload_path"]

UPLOAD_LIMIT = 100 * 1024 * 1024
"""Bytes of one archive; a clone by address may be larger, since it need not pass through a form."""

CHUNK = 1 << 20


def upload_path(data_dir: Path, digest: str) -> Path:
    """Return where an archive lies."""
    return data_dir / "uploads" / f"{digest}.zip"


def save_upload(data_dir: Path, stream: BinaryIO) -> str:
    """Store an archive and return its SHA-256. Raises Invalid for one that is empty, too large or no zip."""
    folder = data_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    descriptor, draft = tempfile.mkstemp(dir=folder, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            while chunk := stream.read(CHUNK):
                if not size and not chunk.startswith(b"PK"):
                    raise Invalid({"archive": "This file is no zip archive; pack the repository's folder as .zip."})
                size += len(chunk)
                if size > UPLOAD_LIMIT:
                    raise Invalid(
                        {"archive": f"An archive may have {UPLOAD_LIMIT >> 20} MB; leave data out, or add the address."}
                    )
                digest.update(chunk)
                file.write(chunk)
            if not size:
                raise Invalid({"archive": "Choose a zip archive."})
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(upload_path(data_dir, digest.hexdigest()))
    finally:
        Path(draft).unlink(missing_ok=True)
    return digest.hexdigest()


def remove_unnamed(data_dir: Path, named: set[str], before: datetime) -> int:
    """Delete the archives that no repository names, and what a broken upload left; return how many there were.

    One that was stored after `before` stays: the request that brought it may not have named it yet.
    """
    folder = data_dir / "uploads"
    stored = [path for path in folder.glob("*.zip") if path.stem not in named] + list(folder.glob("*.part"))
    gone = [path for path in stored if path.stat().st_mtime < before.timestamp()]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)
