"""Rate yourself, with or without an account; your radar, its layers; the demo's; how scores are made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from assessor.services.errors import Gone, NotFound, ServiceError
from assessor.services.layer_page import layer_page
from assessor.services.permissions import Actor
from assessor.services.profile_view import ProfileView
from assessor.web.access import action
from assessor.web.context import DRAFT, actor, catalogue, enqueue, now, settings, signed_in, unit
from assessor.web.limits import limiter, per_person
from assessor.web.profile.explained import explained
from assessor.web.profile.forms import StartForm, TargetForm
from assessor.web.profile_chart import profile_radar

__all__ = ["pages"]

pages = Blueprint("profile", __name__)


@pages.get("/start")
@action("profile.start")
def start() -> ResponseReturnValue:
    """Show ten ratings to give, filled with those given before."""
    return _start_page(StartForm.of(catalogue(), _given_before()))


@pages.post("/start")
@action("profile.start")
@limiter.limit("60 per hour", key_func=per_person)
def start_submit() -> ResponseReturnValue:
    """Keep the ratings: with the person who is signed in, or as a draft."""
    form, who = StartForm.of(catalogue()), _rater()
    if not form.sent():
        return _start_page(form), 400
    if who is None:
        with unit(write=True) as u:
            session[DRAFT] = u.profile.save_draft(form.answers(), session.get(DRAFT))
        return redirect(url_for("profile.result"))
    try:
        return _keep(who, form.answers())
    except ServiceError as error:
        form.refuse(f"{error.cause} {error.cure}".strip())
        return _start_page(form), 400


@pages.get("/start/result")
@action("profile.start")
def result() -> ResponseReturnValue:
    """Show what the answers of this browser come to."""
    token = session.get(DRAFT)
    if token is None:
        return redirect(url_for("profile.start"))
    try:
        return _result_page(token, resumed=False)
    except Gone:
        session.pop(DRAFT)
        raise


@pages.get("/start/<token>")
@action("profile.start")
def resume(token: str) -> ResponseReturnValue:
    """Show what kept answers come to; they become this browser's when a button is pressed, never by a link alone."""
    return _result_page(token, resumed=True)


@pages.post("/start/<token>")
@action("profile.start")
def resume_submit(token: str) -> ResponseReturnValue:
    """Make kept answers those of this browser, or of the person who is signed in."""
    who = _rater()
    with unit() as u:
        answers = u.profile.draft(token)
    if who is not None:
        return _keep(who, answers, token)
    session[DRAFT] = token
    return redirect(url_for("profile.result"))


@pages.get("/me")
@action("profile.see")
def show() -> ResponseReturnValue:
    """Show the own radar, at a time and compared with an earlier one."""
    with unit() as u:
        view = u.profile.view(signed_in().person_id, _month("at"), _month("since"))
    return _profile_page("profile/me.html", view, "/me")


@pages.post("/me/target")
@action("profile.rate")
def target_submit() -> ResponseReturnValue:
    """Compare with another role from now on."""
    role = request.form.get("role", "")
    with unit(write=True) as u:
        u.profile.target(signed_in().person_id, role)  # refuses a role that is not in the catalogue
    flash(f"Your radar is compared with {catalogue().roles[role].name} now.", "success")
    return redirect(url_for("profile.show"))


@pages.get("/me/layers/<key>")
@action("profile.see")
def layer(key: str) -> ResponseReturnValue:
    """Show one layer of the own profile."""
    with unit() as u:
        view = u.profile.view(signed_in().person_id)
    return _layer_page(view, key, "/me")


@pages.get("/demo")
@action("profile.demo")
def demo() -> ResponseReturnValue:
    """Show the demo person's radar to everybody."""
    return _profile_page("profile/demo.html", _demo_view(_month("at"), _month("since")), "/demo")


@pages.get("/demo/layers/<key>")
@action("profile.demo")
def demo_layer(key: str) -> ResponseReturnValue:
    """Show one layer of the demo person's profile to everybody."""
    return _layer_page(_demo_view(), key, "/demo")


@pages.get("/how-scores-are-made")
@action("profile.explain")
def explain() -> ResponseReturnValue:
    """Show what a level means and where it comes from."""
    with unit() as u:
        example = u.profile.example()
    told = explained(catalogue(), example.parameters)
    return render_template("profile/explain.html", told=told, example=example)


def _rater() -> Actor | None:
    """Return whose profile answers belong to; everybody can be the demo user, whose answers are a visitor's."""
    who = actor()
    return None if who is None or who.demo else who


def _given_before() -> dict[str, Any]:
    who = _rater()
    with unit() as u:
        if who is not None:
            return {"role": u.profile.chosen(who.person_id), "ratings": u.profile.ratings(who.person_id)}
        try:
            return u.profile.draft(session[DRAFT]) if DRAFT in session else {}
        except Gone:
            return {}


def _keep(who: Actor, answers: dict[str, Any], draft: str | None = None) -> ResponseReturnValue:
    """Store answers as ratings of a person and queue the repository they name, all or nothing. Raises ServiceError."""
    source, queued = answers.get("source"), None
    with unit(write=True) as u:
        if draft is not None:
            u.profile.claim_draft(who.person_id, draft)
        else:
            u.profile.rate(who.person_id, answers["role"], answers["ratings"])
        if source:
            queued = u.portfolio.add(who.person_id, source).id
    if queued is None:
        flash("Your ratings are saved.", "success")
    else:
        enqueue(queued)
        flash("Your ratings are saved, and the repository is being analysed: see your portfolio.", "success")
    return redirect(url_for("profile.show"))


def _start_page(form: StartForm) -> str:
    known = catalogue()
    return render_template(
        "profile/start.html",
        form=form,
        levels=known.framework.levels,
        layers=known.framework.layers,
        roles=known.roles,
        hosts=settings().git_hosts,
        rater=_rater(),
    )


def _result_page(token: str, *, resumed: bool) -> str:
    with unit() as u:
        answers = u.profile.draft(token)
        view = u.profile.preview(answers)
    return render_template(
        "profile/result.html",
        view=view,
        chart=profile_radar(view, None),
        source=answers.get("source"),
        told=explained(catalogue(), view.parameters),
        token=token,
        link=settings().base_url + url_for("profile.resume", token=token),
        resumed=resumed,
        rater=_rater(),
    )


def _profile_page(template: str, view: ProfileView, base: str) -> str:
    form = TargetForm(role=view.role.key if view.role else None)
    roles = {role.key: role.name for role in catalogue().roles.values()}
    form.role.choices = roles if view.role else {"": "choose a role", **roles}
    return render_template(
        template,
        view=view,
        chart=profile_radar(view, f"{base}/layers"),
        base=base,
        months=_months(view.first_at),
        target_form=form,
    )


def _layer_page(view: ProfileView, key: str, base: str) -> str:
    return render_template("profile/layer.html", page=layer_page(catalogue(), view, key), view=view, base=base)


def _demo_view(at: datetime | None = None, since: datetime | None = None) -> ProfileView:
    with unit() as u:
        person = u.profile.demo_person()
        if person is None:
            raise NotFound(
                "No demo is loaded on this installation.", "Whoever runs it can load one: `assessor demo load`."
            )
        return u.profile.view(person, at, since)


def _month(name: str) -> datetime | None:
    """Return the end of the month that the address names, or None where it names none."""
    try:
        month = _end(datetime.strptime(request.args.get(name, ""), "%Y-%m").replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return month if month.year >= 1970 else None


def _months(first: datetime | None) -> list[str]:
    """Return the months from the first evidence to now, as addresses name them."""
    found: list[str] = []
    month = first.replace(day=1) if first else None
    while month is not None and month <= now():
        found.append(f"{month:%Y-%m}")
        month = _end(month) + timedelta(seconds=1)
    return found


def _end(month: datetime) -> datetime:
    """Return the last second of a month, given its first day."""
    after = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return after.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(seconds=1)
