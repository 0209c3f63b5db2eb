"""Which addresses people may add: written so that one repository has one name, refused before anything is fetched."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from assessor.config import Settings
from assessor.services.errors import Invalid

__all__ = ["FOLDER", "folder_path", "named_source"]

FOLDER = "folder:"
"""Marks a repository below the folder that the operator named; what follows is relative to it, so that no page and no
export tells how the server's disk is laid out."""

PATH = re.compile(r"/[\w.~%+-]+(/[\w.~%+-]+)+")


def named_source(source: str, settings: Settings) -> tuple[str, str]:
    """Return the address of a repository in its one form, and a short name. Raises Invalid with cause and cure.

    The address is looked at again, with what it resolves to, when it is fetched.
    """
    text = source.strip()
    if not text:
        raise Invalid({"source": "Write the address of a repository, such as https://github.com/owner/name."})
    if text.startswith(FOLDER):
        relative = text.removeprefix(FOLDER).strip("/")
        if folder_path(relative, settings) is None:
            raise Invalid({"source": "This server analyses no such folder; write an https address."})
        return FOLDER + relative, relative.rsplit("/", 1)[-1]
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
    except ValueError:
        raise Invalid({"source": "This is no address; write one such as https://github.com/owner/name."}) from None
    host, path = (parts.hostname or "").lower(), parts.path.rstrip("/").removesuffix(".git")
    if parts.scheme != "https":
        raise Invalid(
            {"source": f"Only https addresses are fetched, not {parts.scheme}; copy the one that starts with https."}
        )
    if parts.username or parts.password:
        raise Invalid({"source": "Leave name and password out of the address: it is stored and shown."})
    if port not in (None, 443) or parts.query or parts.fragment or not PATH.fullmatch(path):
        raise Invalid({"source": "Write the address of the repository alone, such as https://github.com/owner/name."})
    if host not in settings.git_hosts:
        known = ", ".join(settings.git_hosts)
        raise Invalid({"source": f"Repositories of {host or 'this host'} are not fetched here; allowed are {known}."})
    address = f"https://{host}{path}"
    if len(address) > 500:
        raise Invalid({"source": "This address is longer than 500 characters."})
    return address, path.rsplit("/", 1)[-1]


def folder_path(relative: str, settings: Settings) -> Path | None:
    """Return the folder below the one that the operator named, or None where there is none or it lies outside."""
    root = settings.source_folder
    if root is None or not relative:
        return None
    path = (root / relative).resolve()
    return path if path != root and path.is_relative_to(root.resolve()) and path.is_dir() else None
