"""What all tests share: unit tests open no sockets but loopback ones that a test asks for."""

from __future__ import annotations

import os

import pytest

NEEDS = {
    "browser": "Chromium (apt-get install chromium)",
    "postgres": "a PostgreSQL server that can be started (apt-get install postgresql)",
}
EVERYTHING = os.environ.get("ASSESSOR_TEST_ALL") == "1"
"""Set in CI: what a missing program would leave out fails instead."""
