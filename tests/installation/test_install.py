"""The two ways in: `make run` on a clean clone, and a wheel in an empty virtual environment."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("installation")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(folder: Path, port: int) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ASSESSOR_", "MAKE", "MFLAGS", "VIRTUAL_ENV"))
    }
    return kept | {"HOST": "127.0.0.1", "PORT": str(port), "ASSESSOR_DATA_DIR": str(folder / "data")}


@contextmanager
def running(arguments: list[str], folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            arguments, cwd=folder, env=environment(folder, port), stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def get(port: int, path: str = "/healthz") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError:
        return 0, ""


def wait_until_up(process: subprocess.Popen[bytes], port: int, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while get(port)[0] != 200:
        assert process.poll() is None, "the service ended"
        assert time.monotonic() < deadline, "the service did not come up"
        time.sleep(0.1)


def assert_stops(process: subprocess.Popen[bytes], port: int, *, group: bool, number: int) -> None:
    """Stopping within ten seconds, with the port free again, is a promise to operators."""
    if group:
        os.killpg(process.pid, number)
    else:
        os.kill(process.pid, number)
    process.wait(timeout=10)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone") / "assessor"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    # The wheels that this run was made of are in pip's cache, so a clean environment costs little.
    return folder


def test_make_run_on_a_clean_clone(clone: Path) -> None:
    port = free_port()
    arguments = ["make", f"PYTHON={sys._base_executable}", "run"]  # type: ignore[attr-defined]
    with running(arguments, clone, port) as process:
        wait_until_up(process, port, seconds=600)
        assert get(port, "/readyz")[0] == 200
        status, page = get(port, "/demo")
        assert status == 200
        assert "<svg" in page
        assert_stops(process, port, group=False, number=signal.SIGTERM)
    with running(arguments, clone, port) as process:
        wait_until_up(process, port, seconds=60)
        assert_stops(process, port, group=True, number=signal.SIGINT)


def test_a_wheel_in_an_empty_environment_serves_from_any_folder(tmp_path: Path) -> None:
    wheels, home, port = tmp_path / "wheels", tmp_path / "home", free_port()
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
    pip = [sys.executable, "-m", "pip", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, source], check=True)
    shutil.rmtree(source)
    subprocess.run([sys._base_executable, "-m", "venv", home], check=True)  # type: ignore[attr-defined]
    binary = home / "bin"
    subprocess.run([binary / "pip", "-q", "install", "--require-hashes", "-r", ROOT / "requirements.txt"], check=True)
    subprocess.run([binary / "pip", "-q", "install", "--no-deps", *wheels.glob("*.whl")], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with running([str(binary / "assessor"), "serve"], elsewhere, port) as process:
        wait_until_up(process, port, seconds=120)
        status, page = get(port, "/")
        assert status == 200
        stylesheet = re.search(r'href="(/static/[^"]+\.css[^"]*)"', page)
        assert stylesheet
        assert get(port, stylesheet[1])[0] == 200
        assert_stops(process, port, group=False, number=signal.SIGTERM)


def test_a_taken_port_is_told_with_its_cure(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "assessor", "serve"], env=environment(tmp_path, port), capture_output=True, text=True
        )
    assert done.returncode != 0
    assert "PORT=" in done.stderr
    assert "Traceback" not in done.stderr
