"""Start the web server and one worker, keep both alive, and stop both together."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click

from assessor.cli.environment import read_settings
from assessor.config import LOOPBACK, Settings

STOP_WITHIN = 8.0
"""Seconds that children get to finish before they are killed; promised to the user are ten."""

RESTART_AFTER = 1.0


@click.command(name="serve")
@click.option("--host", help="Address to listen on; HOST does the same. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; PORT does the same. [default: 5000]")
@click.option("--no-worker", is_flag=True, help="Start no worker here; run `assessor worker` elsewhere.")
@click.option("--no-demo", is_flag=True, help="Do not load the demo workspace into an empty database.")
def command(host: str | None, port: int | None, no_worker: bool, no_demo: bool) -> None:
    """Start the web server and one worker.

    With the embedded database its schema is brought up to date first, and an empty database gets the demo workspace.
    """
    if host:
        os.environ["HOST"] = host
    if port:
        os.environ["PORT"] = str(port)
    settings = read_settings()
    _require_free_port(settings)
    _prepare(settings, demo=not no_demo)
    supervisor = Supervisor()
    supervisor.start(_web_arguments(settings), essential=True)
    if not no_worker:
        # Beside a shared database there are workers on other machines, whose names must differ.
        name = "embedded" if settings.embedded else socket.gethostname()
        supervisor.start([sys.executable, "-m", "assessor", "worker", "--name", name], essential=False)
    shown = "localhost" if settings.host in LOOPBACK else settings.host
    click.echo(f"Assessor: http://{shown}:{settings.port}  (Ctrl-C stops it; data in {settings.data_dir})", err=True)
    sys.exit(supervisor.wait())


def _require_free_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise click.ClickException(
                f"cannot listen on {settings.host}:{settings.port} ({error.strerror}); choose another with PORT=5001"
            ) from error


def _prepare(settings: Settings, *, demo: bool) -> None:
    """Bring an embedded database up to date; a shared one is migrated by its operator, on purpose and once."""
    from assessor.cli.db import pending, upgrade
    from assessor.cli.demo import load_if_empty

    if settings.embedded:
        upgrade(settings)
    elif pending(settings):
        raise click.ClickException("the database is behind this version; run `assessor db upgrade` first")
    if demo and settings.embedded:
        load_if_empty(settings)


def _web_arguments(settings: Settings) -> list[str]:
    # One process with threads: memory limits of the embedded Limiter are counted per process.
    return [
        *(sys.executable, "-m", "gunicorn", "assessor.factory:create_app()"),
        *("--bind", f"{settings.host}:{settings.port}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", "8"),
        *("--graceful-timeout", "5", "--timeout", "60", "--keep-alive", "5"),
        *("--log-level", "warning", "--no-control-socket"),
        *("--worker-tmp-dir", "/dev/shm") * Path("/dev/shm").is_dir(),  # noqa: S108 - a heartbeat file, not data
    ]


def _end_with_parent() -> None:
    """Ask Linux to end this child when the supervisor is killed, so that no orphan keeps the port."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


class Supervisor:
    """Own the child processes: restart a worker that died, stop everything when the web server did or a signal came."""

    def __init__(self) -> None:
        self._children: list[tuple[list[str], subprocess.Popen[bytes], bool]] = []
        self._stopping = False

    def start(self, arguments: list[str], *, essential: bool) -> None:
        """Start a child; when an essential one ends the service ends, another kind is started again."""
        # In a session of its own: a signal to the whole group reaches the children once, through this process.
        process = subprocess.Popen(arguments, start_new_session=True, preexec_fn=_end_with_parent)
        self._children.append((arguments, process, essential))

    def wait(self) -> int:
        """Wait until a signal or the end of an essential child, stop all children, and return the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        status = 0
        while not self._stopping:
            time.sleep(0.2)
            for arguments, process, essential in list(self._children):
                if process.poll() is None:
                    continue
                self._children.remove((arguments, process, essential))
                if essential:
                    click.echo("Assessor: the web server stopped; see the lines above for the cause", err=True)
                    status, self._stopping = 1, True
                elif not self._stopping:
                    time.sleep(RESTART_AFTER)
                    self.start(arguments, essential=False)
        self._end_children()
        return status

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _end_children(self) -> None:
        self._each(lambda process: process.terminate())
        deadline = time.monotonic() + STOP_WITHIN
        while time.monotonic() < deadline and any(process.poll() is None for _, process, _ in self._children):
            time.sleep(0.05)
        self._each(lambda process: os.killpg(process.pid, signal.SIGKILL))

    def _each(self, act: Callable[[subprocess.Popen[bytes]], None]) -> None:
        for _, process, _ in self._children:
            if process.poll() is None:
                act(process)
