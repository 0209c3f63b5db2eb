"""What templates/portfolio/_evidence.html needs: shared by the owner's page and by those of others who may look."""

from __future__ import annotations

from typing import Any

from assessor.analysis.report.model import SHOWN_FINDINGS, place
from assessor.content.schema import Catalogue
from assessor.services.evidence_page import EvidencePage
from assessor.web.forge import commit_address, file_address

__all__ = ["evidence_shown"]

LISTED = 200
"""Places that are listed at most, with or without the lines around them."""


def evidence_shown(catalogue: Catalogue, page: EvidencePage) -> dict[str, Any]:
    """Return the values of the template for the evidence of one signal."""
    source, sha = page.analysis.repository.source, page.analysis.sha
    return {
        "page": page,
        "commit": commit_address(source, sha),
        "address": lambda finding: file_address(source, sha, finding),
        "place": place,
        "topics": [catalogue.framework.topics[key] for key in page.signal.topics],
        "shown": SHOWN_FINDINGS,
        "listed": LISTED,
    }
