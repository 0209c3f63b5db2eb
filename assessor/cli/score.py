"""Score a repository from the terminal; no database, no server, no settings."""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from assessor.analysis.engine import Stats
    from assessor.analysis.report.model import Report
    from assessor.content.schema import Catalogue, Framework

__all__ = ["command"]

BELOW, BAD_INPUT, BROKEN = 1, 2, 3
"""Exit codes besides 0: a level below --fail-under, a source or argument that is no good, an error of ours."""

FORMATS = ("text", "json", "markdown", "html")


@click.command(name="score")
@click.argument("source")
@click.option("--rev", metavar="REV", help="Branch, tag or commit. [default: HEAD]")
@click.option(
    "--author", "authors", metavar="EMAIL", multiple=True, help="Count the lines this address wrote; repeatable."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Form of the report."
)
@click.option(
    "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write the report here."
)
@click.option("--no-cache", is_flag=True, help="Neither read nor keep what files say.")
@click.option("--cache-dir", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Keep it here.")
@click.option("--stats", is_flag=True, help="Tell what the run cost, on standard error.")
@click.option(
    "--max-seconds", metavar="N", type=click.FloatRange(min=0, min_open=True), help="Report what N seconds allow."
)
@click.option("--fail-under", metavar="LAYER=LEVEL", multiple=True, help="Exit 1 where a layer is lower; repeatable.")
@click.pass_context
def command(
    ctx: click.Context,
    source: str,
    rev: str | None,
    authors: tuple[str, ...],
    form: str,
    output: Path | None,
    no_cache: bool,
    cache_dir: Path | None,
    stats: bool,
    max_seconds: float | None,
    fail_under: tuple[str, ...],
) -> None:
    """Score SOURCE: a folder, a bare git directory, a .zip or an https address.

    Always a commit is read, never the work tree; nothing of the repository is run. Exit code 0: the report was made,
    1: a layer is below --fail-under, 2: bad source or arguments, 3: an error of ours.

    \b
    assessor score .
    assessor score https://github.com/owner/name --rev v1.2 --format json --output score.json
    assessor score . --author me@example.org
    assessor score . --fail-under production-infrastructure=2.5
    """
    import gc

    from assessor.analysis.cache import default_folder
    from assessor.analysis.engine import Options, score
    from assessor.analysis.source import SourceError
    from assessor.config import resource_dir
    from assessor.content.catalogue import load_catalogue

    gc.disable()  # one report and the process ends: looking for circles in facts and findings is work for nothing
    catalogue = load_catalogue(resource_dir("rubrics"), questions=False)
    floors = _floors(fail_under, catalogue.framework)
    if output is not None and not output.parent.is_dir():
        _refuse(f"There is no folder {str(output.parent)!r}.", "Create it, or write elsewhere.")
    bar = _Bar() if sys.stderr.isatty() else None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that temporary folders are removed
    options = Options(
        rev=rev,
        authors=authors,
        cache_dir=None if no_cache else cache_dir or default_folder(),
        max_seconds=max_seconds,
        progress=bar,
        catalogue=catalogue,
    )
    try:
        report = score(source, options)
    except SourceError as error:
        _end(bar)
        _refuse(error.cause, error.cure)
    except Exception as error:
        _end(bar)
        if stats:
            traceback.print_exc()
        click.echo(f"Error: {type(error).__name__}: {error}. This is a bug; please report it with --stats.", err=True)
        ctx.exit(BROKEN)
    _end(bar)
    _write(_writers(catalogue)[form](report), output)
    if stats:
        _tell(options.stats)
    low = [f"{key} is {_shown(level)}, below {floor:g}" for key, level, floor in _below(report, floors)]
    if low:
        click.echo("\n".join(low), err=True)
        ctx.exit(BELOW)


def _writers(catalogue: Catalogue) -> dict[str, Callable[[Report], str]]:
    """Return the writer of each form; only the one that is called is imported."""

    def text(report: Report) -> str:
        from assessor.analysis.report.text import to_text

        return to_text(report, catalogue)

    def json(report: Report) -> str:
        from assessor.analysis.report.serial import to_json

        return to_json(report)

    def markdown(report: Report) -> str:
        from assessor.analysis.report.markdown import to_markdown

        return to_markdown(report, catalogue)

    def html(report: Report) -> str:
        from assessor.analysis.report.html import to_html

        return to_html(report, catalogue)

    return {"text": text, "json": json, "markdown": markdown, "html": html}


def _floors(asked: tuple[str, ...], framework: Framework) -> dict[str, float]:
    """Return the lowest level allowed by layer key; a layer is named by its key or number."""
    keys = {layer.key: layer.key for layer in framework.layers} | {str(one.id): one.key for one in framework.layers}
    floors = {}
    for text in asked:
        name, _, level = text.partition("=")
        try:
            floor = float(level)
        except ValueError:
            floor = -1.0
        if name not in keys or not 0 <= floor <= 5:
            _refuse(
                f"--fail-under {text!r} is not LAYER=LEVEL.",
                f"Write a layer (1 to 10, or one of {', '.join(layer.key for layer in framework.layers)}) and 0 to 5.",
            )
        floors[keys[name]] = floor
    return floors


def _below(report: Report, floors: dict[str, float]) -> list[tuple[str, float | None, float]]:
    """Return the layers that are too low; one that could not be assessed has not shown that it is high enough."""
    return [
        (layer.key, layer.level, floors[layer.key])
        for layer in report.layers
        if layer.key in floors and (layer.level is None or layer.level < floors[layer.key])
    ]


def _shown(level: float | None) -> str:
    return "not assessed" if level is None else f"{level:.2f}"


def _write(text: str, output: Path | None) -> None:
    try:
        if output is None:
            sys.stdout.buffer.write(text.encode("utf-8", "replace"))
            sys.stdout.buffer.flush()
        else:
            output.write_text(text, encoding="utf-8", errors="replace")
    except BrokenPipeError:  # whoever read it has seen enough: click ends quietly
        raise
    except OSError as error:
        name = "Standard output" if output is None else repr(str(output))
        _refuse(f"{name} cannot be written: {error.strerror}.", "Make room, or choose another --output.")


def _refuse(cause: str, cure: str) -> NoReturn:
    from assessor.analysis.report.outline import printable

    click.echo(printable(f"Error: {cause} {cure}"), err=True)
    raise SystemExit(BAD_INPUT)


def _tell(stats: Stats) -> None:
    laps = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in stats.seconds.items())
    click.echo(f"{laps}; {stats.files} files, {stats.bytes} bytes", err=True)
    click.echo(f"cache: {stats.cache_hits} found, {stats.cache_misses} parsed", err=True)


def _end(bar: _Bar | None) -> None:
    if bar is not None:
        bar.end()


class _Bar:
    """Draw one line of progress on a terminal, at most twenty times a second."""

    def __init__(self) -> None:
        self._drawn = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._drawn < 0.05:
            return
        self._drawn = now
        if total:
            filled = 30 * done // total
            text = f"{stage:<11} {'━' * filled}{'╌' * (30 - filled)} {done} of {total}"
        else:
            text = f"{stage:<11} {done >> 20} MB"
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()

    def end(self) -> None:
        """Remove the line."""
        if self._drawn:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
