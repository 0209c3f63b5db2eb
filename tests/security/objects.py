"""Write git objects, packs and indexes byte by byte: what git itself refuses to make."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
WHO = "Ada Lovelace <ada@example.org> 1705320000 +0000"
FILE, LINK, FOLDER, SUBMODULE = "100644", "120000", "40000", "160000"
OFS_DELTA, REF_DELTA, BLOB = 6, 7, 3


def put(git: Path, kind: str, data: bytes, size: int | None = None) -> str:
    """Write a loose object (with another size in its header where one is given) and return its id."""
    whole = b"%s %d\0" % (kind.encode(), len(data) if size is None else size) + data
    name = hashlib.sha1(whole).hexdigest()
    path = git / "objects" / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zlib.compress(whole, 1))
    return name


def put_zeros(git: Path, kind: str, head: bytes, megabytes: int) -> str:
    """Write a loose object of `head` and so many MB of zeros, without ever holding them."""
    chunk = bytes(1 << 20)
    packer, total = zlib.compressobj(1), hashlib.sha1()
    start = b"%s %d\0" % (kind.encode(), len(head) + megabytes * len(chunk)) + head
    total.update(start)
    parts = [packer.compress(start)]
    for _ in range(megabytes):
        total.update(chunk)
        parts.append(packer.compress(chunk))
    name = total.hexdigest()
    path = git / "objects" / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(parts) + packer.flush())
    return name


def tree(git: Path, entries: Iterable[tuple[str, bytes | str, str]]) -> str:
    """Write a tree of (mode, name, id), in this order, whatever the names."""
    raw = b"".join(
        f"{mode} ".encode() + (name.encode() if isinstance(name, str) else name) + b"\0" + bytes.fromhex(sha)
        for mode, name, sha in entries
    )
    return put(git, "tree", raw)


def commit_of(git: Path, top: str, *, extra: str = "", who: str = WHO) -> str:
    """Write a commit of a tree, let branch main stand there, and return its id."""
    sha = put(git, "commit", f"tree {top}\nauthor {who}\ncommitter {who}\n{extra}\nStart\n".encode())
    point(git, sha)
    return sha


def point(git: Path, sha: str) -> None:
    """Let HEAD be branch main, and branch main this commit."""
    (git / "refs" / "heads").mkdir(parents=True, exist_ok=True)
    (git / "refs" / "heads" / "main").write_text(f"{sha}\n")
    (git / "HEAD").write_text("ref: refs/heads/main\n")


def empty_git(folder: Path) -> Path:
    """Make a bare repository without a commit."""
    (folder / "objects" / "pack").mkdir(parents=True)
    (folder / "refs" / "heads").mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    return folder


def head(kind: int, size: int) -> bytes:
    """Return the head of an object in a pack."""
    first, size = (kind << 4) | (size & 15), size >> 4
    out = bytearray()
    while size:
        out.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    out.append(first)
    return bytes(out)


def varint(size: int) -> bytes:
    """Return a size as deltas have it."""
    out = bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    return bytes(out)


def copy(offset: int, size: int) -> bytes:
    """Return the instruction of a delta that copies from its base (at most 2**24 - 1 bytes)."""
    return bytes([0xFF]) + struct.pack("<I", offset) + struct.pack("<I", size)[:3]


def ref_delta(base: str, base_size: int, size: int, instructions: bytes) -> bytes:
    """Return an object of a pack that is made from another one."""
    delta = varint(base_size) + varint(size) + instructions
    return head(REF_DELTA, len(delta)) + bytes.fromhex(base) + zlib.compress(delta)


def write_pack(git: Path, objects: Iterable[tuple[str, bytes]]) -> Path:
    """Write a pack of (id, packed object) and its index; the ids are believed, as git does when it reads."""
    given = list(objects)
    pack = bytearray(b"PACK" + struct.pack(">II", 2, len(given)))
    placed = []
    for name, data in given:
        placed.append((name, len(pack), zlib.crc32(data)))
        pack += data
    pack += hashlib.sha1(pack).digest()
    placed.sort()
    fan = [sum(int(name[:2], 16) <= first for name, _, _ in placed) for first in range(256)]
    index = bytearray(b"\xfftOc" + struct.pack(">I", 2) + struct.pack(">256I", *fan))
    index += b"".join(bytes.fromhex(name) for name, _, _ in placed)
    index += b"".join(struct.pack(">I", crc) for _, _, crc in placed)
    index += b"".join(struct.pack(">I", offset) for _, offset, _ in placed)
    index += pack[-20:]
    index += hashlib.sha1(index).digest()
    path = git / "objects" / "pack" / f"pack-{pack[-20:].hex()}.pack"
    path.write_bytes(pack)
    path.with_suffix(".idx").write_bytes(index)
    return path
