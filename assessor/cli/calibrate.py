"""Estimate from everybody's evidence how people change and how far instruments and raters are off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from assessor.cli.db import ready
from assessor.cli.environment import read_settings

if TYPE_CHECKING:
    from assessor.content.schema import Layer
    from assessor.services.calibration import Pool
    from assessor.services.estimation import Found, Proposal, RaterFound
    from assessor.services.unit import UnitFactory

__all__ = ["command"]

TITLES = {
    "q": "drift a year (q)",
    "self_noise": "noise of self-ratings",
    "review_noise": "noise of reviews",
}


@click.group(name="calibrate")
def command() -> None:
    """Estimate the parameters of measurement from the evidence of this installation."""


@command.command()
@click.option("--store", is_flag=True, help="Put the estimates in use; without it nothing is stored.")
@click.option("--defaults", is_flag=True, help="Propose the defaults of the model: the way back from a calibration.")
def people(store: bool, defaults: bool) -> None:
    """Estimate drift, noises and the severity of raters, and show whose level would move.

    A dry run unless told to --store. What rests on too little is refused and keeps its default.
    """
    from assessor.services.estimation import propose, propose_defaults

    with _unit() as unit:
        with unit() as u:
            pool = u.calibration.pool()
        # Outside of the transaction, which a database would not keep open for minutes.
        proposal = (propose_defaults if defaults else propose)(pool.evidence, pool.at, pool.used)
        with unit() as u:
            shown = [proposal.largest.person_id] if proposal.largest else []
            names = u.calibration.names(shown, [one.rater for one in proposal.raters])
        for line in _report(pool, proposal, names, unit.catalogue.framework.layers):
            click.echo(line)
        if not (defaults or proposal.estimated):
            if store:
                raise click.ClickException(
                    "nothing can be estimated yet, so nothing is stored; see what is missing above"
                )
            click.echo("Nothing can be estimated yet.")
        elif not proposal.new:
            click.echo("Nothing to store: these parameters are in use already.")
        elif store:
            with unit(write=True) as u:
                number = u.calibration.store(proposal, by="operator").number
            click.echo(f"Stored as calibration {number}: every level is computed with it from now on.")
        else:
            click.echo("Nothing is stored. Add --store to compute every level with these from now on.")


@command.command(name="list")
def list_command() -> None:
    """List the stored calibrations, the newest first; that one is in use."""
    with _unit() as unit, unit() as u:
        found = u.calibration.history()
        for one in found:
            kept = one.parameters
            click.echo(
                f"{one.number}  {one.at:%Y-%m-%d %H:%M}  by {one.made_by}  q {kept['hyper']['q']:g}  "
                f"{len(kept['severities'])} raters  from {one.rows:,} rows of {one.people:,} people"
            )
        if not found:
            click.echo("There is none: the defaults of the model are in use.")


@contextmanager
def _unit() -> Iterator[UnitFactory]:
    from assessor.factory import create_unit

    settings = read_settings()
    with ready(settings):
        unit = create_unit(settings)
        yield unit
        unit.engine.dispose()


def _report(pool: Pool, proposal: Proposal, names: Mapping[str, str], layers: Sequence[Layer]) -> list[str]:
    """Return what was found, as lines."""
    used = pool.used
    in_use = f"calibration {used.number} of {used.at:%Y-%m-%d}" if used.at else "the defaults of the model"
    lines = [f"In use: {in_use}."]
    if proposal.found:
        lines += [f"Evidence: {proposal.rows:,} rows of {proposal.people:,} people.", *_left_out(pool), ""]
        lines += _table(("parameter", "in use", "estimate", "rests on"), [_parameter(one) for one in proposal.found])
        lines += _cures([(TITLES[one.name], one.cause, one.cure) for one in proposal.found])
    if proposal.raters:
        rows = [_rater(one, names) for one in proposal.raters]
        lines += ["", *_table(("rater", "in use", "severity", "90% interval", "rests on"), rows)]
        lines += _cures([(names.get(one.rater, one.rater), one.cause, one.cure) for one in proposal.raters])
    return [*lines, "", *_preview(proposal, names, layers)]


def _left_out(pool: Pool) -> list[str]:
    lines = []
    if pool.demo_people:
        lines.append(f"Left out: {pool.demo_people} people of the demo, who are made up.")
    if pool.blind_rows:
        lines.append(f"Left out: {pool.blind_rows} ratings by panels, until their requisition is closed.")
    return lines


def _parameter(found: Found) -> tuple[str, ...]:
    estimate = "default" if found.value is None else f"{found.value:.3f}"
    return TITLES[found.name], f"{found.before:.3f}", estimate, f"{found.rows:,} rows of {found.people:,} people"


def _rater(found: RaterFound, names: Mapping[str, str]) -> tuple[str, ...]:
    rests_on = f"{found.rows:,} ratings, {found.shared:,} people shared with others"
    name = names.get(found.rater, found.rater)
    if found.severity is None or found.interval is None:
        return name, f"{found.before:+.2f}", "default", "", rests_on
    low, high = found.interval
    return name, f"{found.before:+.2f}", f"{found.severity[0]:+.2f}", f"{low:+.2f} to {high:+.2f}", rests_on


def _cures(refused: Sequence[tuple[str, str, str]]) -> list[str]:
    lines = [f"  {name} stays at its default: {cause}. {cure}" for name, cause, cure in refused if cause]
    return ["", *lines] if lines else []


def _preview(proposal: Proposal, names: Mapping[str, str], layers: Sequence[Layer]) -> list[str]:
    largest, noticed = proposal.largest, proposal.noticed
    if largest is None:
        return ["No level would move: nothing was measured."]
    name = names.get(f"person:{largest.person_id}", f"person {largest.person_id}")
    moved = len({shift.person_id for shift in noticed})
    return [
        f"Levels that would move by 0.1 or more: {len(noticed):,} of {len(proposal.shifts):,}, of {moved:,} people.",
        f"The largest move: {name}, {layers[largest.layer].name}, from {largest.before:.2f} to {largest.after:.2f}.",
    ]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows)]
