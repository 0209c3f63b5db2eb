"""The portfolio: add repositories, see their analyses and the evidence; rescan and remove them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from assessor.analysis.report.model import LIMITS, Report
from assessor.models.portfolio import Analysis, Repository
from assessor.services.errors import Conflict, Invalid, NotFound
from assessor.services.repository_page import newest_done, repository_page
from assessor.services.unit import Unit
from assessor.services.uploads import UPLOAD_LIMIT, save_upload
from assessor.web.access import action, authorise
from assessor.web.context import catalogue, enqueue, settings, signed_in, unit
from assessor.web.evidence import evidence_shown
from assessor.web.forge import commit_address
from assessor.web.limits import limiter, per_person
from assessor.web.portfolio.forms import AddressForm, ArchiveForm
from assessor.web.portfolio.words import progress_of, source_of

__all__ = ["pages"]

pages = Blueprint("portfolio", __name__)

SHOWN_SKIPPED = 30


@pages.get("/portfolio")
@action("portfolio.list")
def index() -> ResponseReturnValue:
    """List the repositories, with forms to add one."""
    return _index(AddressForm(formdata=None), ArchiveForm(formdata=None))


@pages.post("/portfolio")
@action("portfolio.add")
@limiter.limit("60 per hour", key_func=per_person)
def add() -> ResponseReturnValue:
    """Add a repository by its address and queue its analysis."""
    form, who = AddressForm(), signed_in()
    if not form.sent():
        return _index(form, ArchiveForm(formdata=None)), 400
    try:
        return _queue(lambda u: u.portfolio.add(who.person_id, form.source.data or "", form.rev.data or None))
    except (Invalid, Conflict) as error:
        form.refuse(error)
        return _index(form, ArchiveForm(formdata=None)), 400


@pages.post("/portfolio/zip")
@action("portfolio.add")
@limiter.limit("30 per hour", key_func=per_person)
def add_zip() -> ResponseReturnValue:
    """Store an uploaded archive and queue its analysis."""
    form, who = ArchiveForm(), signed_in()
    if not form.sent():
        return _index(AddressForm(formdata=None), form), 400
    try:
        digest = save_upload(settings().data_dir, form.archive.data.stream)
        name = "".join(sign for sign in form.archive.data.filename or "" if sign.isprintable())
        return _queue(lambda u: u.portfolio.add_zip(who.person_id, name, digest))
    except (Invalid, Conflict) as error:
        form.refuse(error)
        return _index(AddressForm(formdata=None), form), 400


@pages.get("/portfolio/<int:repository_id>")
@action("portfolio.see", owned=True)
def show(repository_id: int) -> ResponseReturnValue:
    """Show a repository: how far its analysis is, or what it says."""
    repository, report = _repository_and_report(repository_id)
    page = repository_page(catalogue(), repository, report)
    sha = page.shown.sha if page.shown else None
    return render_template(
        "portfolio/repository.html",
        page=page,
        source=source_of(repository),
        commit=commit_address(repository.source, sha),
        progress=progress_of(page.latest) if page.latest else None,
        limits=LIMITS,
        shown_skipped=SHOWN_SKIPPED,
    )


@pages.get("/portfolio/<int:repository_id>/progress")
@action("portfolio.see", owned=True)
def progress(repository_id: int) -> ResponseReturnValue:
    """Say how far the newest analysis is, for the script that keeps the page up to date."""
    with unit() as u:
        repository = u.portfolio.repository(repository_id)
    authorise(repository)
    if not repository.analyses:
        raise NotFound("This repository was not analysed yet.", "Rescan it.")
    return progress_of(repository.analyses[-1]).as_json()


@pages.get("/portfolio/<int:repository_id>/report.<any(json, md, html):form>")
@action("portfolio.see", owned=True)
def download(repository_id: int, form: str) -> ResponseReturnValue:
    """Hand out the newest report as a file."""
    repository, found = _repository_and_report(repository_id)
    if found is None:
        raise NotFound("This repository has no report yet.", "Wait until its analysis is finished.")
    write, mimetype = WRITERS[form]
    name = f"{PurePosixPath(repository.name).name}-{(found.sha or 'empty')[:12]}.{form}"
    answer = Response(write(found), mimetype=mimetype)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


@pages.post("/portfolio/<int:repository_id>/rescan")
@action("portfolio.rescan", owned=True)
@limiter.limit("60 per hour", key_func=per_person)
def rescan(repository_id: int) -> ResponseReturnValue:
    """Queue a new analysis."""
    with unit() as u:
        authorise(u.portfolio.repository(repository_id))
    return _queue(lambda u: u.portfolio.rescan(repository_id))


@pages.post("/portfolio/<int:repository_id>/remove")
@action("portfolio.delete", owned=True)
def remove(repository_id: int) -> ResponseReturnValue:
    """Remove a repository, and what it showed, from the person's levels."""
    with unit(write=True) as u:
        repository = u.portfolio.repository(repository_id)
        authorise(repository)
        name = repository.name
        u.portfolio.remove(repository_id)
    flash(f"{name} is removed, and what it showed no longer counts.", "success")
    return redirect(url_for("portfolio.index"))


@pages.get("/evidence/<uuid:analysis_id>/<signal_key>")
@action("portfolio.evidence", owned=True)
def evidence(analysis_id: UUID, signal_key: str) -> ResponseReturnValue:
    """Show what an analysis found for one signal, line by line."""
    with unit() as u:
        authorise(u.portfolio.analysis(str(analysis_id)))
        page = u.portfolio.evidence(str(analysis_id), signal_key)
    return render_template("portfolio/evidence.html", **evidence_shown(catalogue(), page))


def _index(address: AddressForm, archive: ArchiveForm) -> str:
    who = signed_in()
    with unit() as u:
        repositories = u.portfolio.list(who.person_id)
        identities = u.identity.of(who.person_id)
    return render_template(
        "portfolio/index.html",
        repositories=repositories,
        newest_done=newest_done,
        source_of=source_of,
        progress_of=progress_of,
        layers=catalogue().framework.layers,
        confirmed=any(one.confirmed_by for one in identities),
        address_form=address,
        archive_form=archive,
        hosts=settings().git_hosts,
        limit=UPLOAD_LIMIT,
    )


def _queue(act: Callable[[Unit], Analysis]) -> ResponseReturnValue:
    """Store an analysis, queue it once it is committed, and go to its repository."""
    with unit(write=True) as u:
        analysis = act(u)
    enqueue(analysis.id)
    return redirect(url_for("portfolio.show", repository_id=analysis.repository_id))


def _repository_and_report(repository_id: int) -> tuple[Repository, Report | None]:
    with unit() as u:
        repository = u.portfolio.repository(repository_id)
        authorise(repository)
        done = newest_done(repository)
        return repository, u.portfolio.report(done.id) if done else None


def _json(found: Report) -> str:
    from assessor.analysis.report.serial import to_json

    return to_json(found)


def _markdown(found: Report) -> str:
    from assessor.analysis.report.markdown import to_markdown

    return to_markdown(found, catalogue())


def _html(found: Report) -> str:
    from assessor.analysis.report.html import to_html

    return to_html(found, catalogue())


WRITERS: dict[str, tuple[Callable[[Report], str], str]] = {
    "json": (_json, "application/json"),
    "md": (_markdown, "text/markdown"),
    "html": (_html, "text/html"),
}
