"""Run the background worker: analyses that were queued, those another worker left behind, and nothing else."""

from __future__ import annotations

import signal
import socket
import threading

import click

from assessor.cli.environment import read_settings


@click.command(name="worker")
@click.option(
    "--name",
    help="Stable name of this worker; under it unfinished work goes on. [default: the host's name]",
)
def command(name: str | None) -> None:
    """Run one worker until it is told to stop."""
    from assessor.factory import create_unit
    from assessor.jobs.worker import work
    from assessor.web.logs import configure_logging

    settings = read_settings()
    configure_logging(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    work(settings, create_unit(settings), name=name or socket.gethostname(), stop=stop)
