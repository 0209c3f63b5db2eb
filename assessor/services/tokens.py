"""Secrets that are shown once and stored hashed: session keys, invitations, resume links."""

from __future__ import annotations

import hashlib
import secrets

__all__ = ["hash_token", "new_token"]


def new_token() -> str:
    """Return 256 random bits, safe in an address."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return what is stored of a token. It has 256 random bits, so that one fast hash suffices."""
    return hashlib.sha256(token.encode()).hexdigest()
