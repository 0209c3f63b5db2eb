"""Git identities: which addresses in commits are a person's, and how that was confirmed."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessor.models.profile import Confirmation, Identity
from assessor.services.audit import AuditService
from assessor.services.errors import Conflict, Invalid, NotFound

__all__ = ["CHALLENGE_FILE", "IdentityService", "normal_email"]

CHALLENGE_FILE = ".assessor-identity"
"""Name of the file that a commit adds to show that its author owns an identity; one challenge a line."""

PROOFS: tuple[Confirmation, ...] = ("mail", "commit")
"""Ways in which somebody shows that an address is theirs."""

EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")


class IdentityService:
    """Do what people do with their git identities."""

    def __init__(self, session: Session, clock: Callable[[], datetime], audit: AuditService) -> None:
        self._session = session
        self._clock = clock
        self._audit = audit

    def of(self, person_id: int) -> Sequence[Identity]:
        """Return the git addresses of a person, confirmed or not, in the order they were claimed."""
        query = select(Identity).where(Identity.person_id == person_id).order_by(Identity.id)
        return self._session.scalars(query).all()

    def claim(self, person_id: int, email: str) -> Identity:
        """Add a git address that a person says is theirs; it counts once it is confirmed. Raises Invalid or Conflict."""
        address = normal_email(email)
        if any(identity.email == address for identity in self.of(person_id)):
            raise Conflict(f"{address} is in your list already.")
        identity = Identity(
            person_id=person_id, email=address, challenge=f"assessor-{secrets.token_hex(12)}", created_at=self._clock()
        )
        self._session.add(identity)
        self._session.flush()
        return identity

    def confirm(self, person_id: int, email: str, by: Confirmation, *, actor: str = "worker") -> Identity:
        """Confirm an identity, claiming it first if needed.

        What a panel says of its candidate holds for that candidate alone: it takes an address from nobody and is kept from
        no panel. Raises Invalid for what is no address, Conflict if another person has confirmed it.
        """
        address = normal_email(email)
        taken = select(Identity.id).where(
            Identity.email == address, Identity.confirmed_by.in_(PROOFS), Identity.person_id != person_id
        )
        if by in PROOFS and self._session.scalar(taken) is not None:
            raise Conflict(f"{address} was confirmed by another person.", "Ask the operator if it is yours.")
        identity = next((one for one in self.of(person_id) if one.email == address), None)
        identity = identity or self.claim(person_id, address)
        if identity.confirmed_by is None or (by in PROOFS and identity.confirmed_by not in PROOFS):
            identity.confirmed_by, identity.confirmed_at = by, self._clock()
            self._audit.write(actor, "account.identity_confirmed", f"person:{person_id}", email=address, by=by)
        return identity

    def forget(self, person_id: int, identity_id: int) -> None:
        """Remove an identity; what was scored with it stays until the repositories are analysed again. Raises NotFound."""
        identity = self._session.get(Identity, identity_id)
        if identity is None or identity.person_id != person_id:
            raise NotFound("There is no such identity.", "Reload the settings.")
        self._session.delete(identity)
        self._audit.write(f"person:{person_id}", "account.identity_removed", f"person:{person_id}")


def normal_email(email: str) -> str:
    """Return an address in lower case without space around it. Raises Invalid for what cannot be one."""
    address = email.strip().lower()
    if len(address) > 254 or not EMAIL.fullmatch(address):
        raise Invalid({"email": f"{address[:80]!r} is no e-mail address; write one such as name@example.org."})
    return address
