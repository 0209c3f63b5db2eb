"""What all tests share: what may be left out and how to get it, and no connection to anywhere but this machine."""

from __future__ import annotations

import os

import pytest
from pytest_socket import socket_allow_hosts

NEEDS = {
    "browser": "Chromium (apt-get install chromium)",
    "postgres": "a PostgreSQL server that can be started (apt-get install postgresql)",
}
EVERYTHING = os.environ.get("ASSESSOR_TEST_ALL") == "1"
"""Set in CI: what a missing program would leave out fails instead."""


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Close every socket but loopback ones: a test that reaches for the network fails and says where to."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
