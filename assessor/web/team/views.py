"""Teams: the heatmap and what lies behind each of its cells for managers, and for members what they share."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from assessor.models.team import Team, TeamMember
from assessor.services.errors import Conflict, Forbidden, Invalid, NotFound
from assessor.services.layer_page import layer_page
from assessor.services.profile_view import ProfileView
from assessor.services.team_page import display_name, shared_part
from assessor.web.access import action, authorise
from assessor.web.context import catalogue, signed_in, unit
from assessor.web.csvfile import csv_response
from assessor.web.limits import limiter, per_person
from assessor.web.profile_chart import profile_radar
from assessor.web.team.forms import AddForm, ShareForm, TeamForm

__all__ = ["pages"]

pages = Blueprint("team", __name__)


@pages.get("/team")
@action("team.list")
def index() -> ResponseReturnValue:
    """List the teams of the workspace; who manages exactly one goes straight to it."""
    return _index(TeamForm.of(_roles()))


@pages.post("/team")
@action("team.create")
@limiter.limit("60 per hour", key_func=per_person)
def create() -> ResponseReturnValue:
    """Add a team."""
    form = TeamForm.of(_roles())
    if not form.sent():
        return _index(form), 400
    with unit(write=True) as u:
        slug = u.team.create(signed_in(), form.name.data or "", form.role.data).slug
    flash("The team is there. Add its members below.", "success")
    return redirect(url_for("team.show", slug=slug) + "#members")


@pages.get("/team/<slug>")
@action("team.see", owned=True)
def show(slug: str) -> ResponseReturnValue:
    """Show the heatmap of a team."""
    with unit() as u:
        team = u.team.team(slug)
        authorise(team)
        page, colleagues = u.team.heatmap(team), u.team.colleagues(team)
    _look(page.shown, slug)
    return render_template(
        "team/team.html",
        page=page,
        team=team,
        add_form=AddForm.of(colleagues),
        colleagues=colleagues,
        target_form=TeamForm.of(_roles(), team.role_key),
    )


@pages.get("/team/<slug>.csv")
@action("team.see", owned=True)
def download(slug: str) -> ResponseReturnValue:
    """Hand out the heatmap as a table: levels with their intervals, and what is private or not measured as words."""
    with unit() as u:
        team = u.team.team(slug)
        authorise(team)
        page = u.team.heatmap(team)
    _look(page.shown, slug)
    heading = ["person", *(f"{one.layer.key}{part}" for one in page.columns for part in ("", " low", " high"))]
    rows: list[list[str | float | None]] = [list(heading)]
    for row in page.rows:
        line: list[str | float | None] = [row.name]
        for cell in row.cells:
            own = cell.standing
            if own is None or own.level is None or own.low is None or own.high is None:
                line += ["private" if cell.state == "private" else "not measured", None, None]
            else:
                line += [round(own.level, 2), round(own.low, 2), round(own.high, 2)]
        rows.append(line)
    rows.append(["target", *(value for one in page.columns for value in (one.target, None, None))])
    return csv_response(f"team-{slug}.csv", rows)


@pages.get("/team/<slug>/layers/<key>")
@action("team.see", owned=True)
def layer(slug: str, key: str) -> ResponseReturnValue:
    """Show one layer of a team: who covers it."""
    with unit() as u:
        team = u.team.team(slug)
        authorise(team)
        page = u.team.layer(team, key)
    _look(page.heatmap.shown, slug)
    return render_template("team/layer.html", page=page, team=team)


@pages.get("/team/<slug>/members/<int:member_id>")
@action("team.see", owned=True)
def member(slug: str, member_id: int) -> ResponseReturnValue:
    """Show the shared part of a member's profile."""
    team, found, view = _shared(slug, member_id)
    base = url_for("team.member", slug=slug, member_id=member_id)
    return render_template(
        "team/member.html",
        team=team,
        member=found,
        name=display_name(found),
        view=view,
        base=base,
        chart=profile_radar(view, f"{base}/layers"),
    )


@pages.get("/team/<slug>/members/<int:member_id>/layers/<key>")
@action("team.see", owned=True)
def member_layer(slug: str, member_id: int, key: str) -> ResponseReturnValue:
    """Show what a shared level of a member rests on: kinds, dates and weights, never answers, notes or code."""
    team, found, view = _shared(slug, member_id)
    if key not in (found.shares or ()):
        raise Forbidden(
            f"{display_name(found)} does not share this layer with the team.", "Ask them; they decide for each layer."
        )
    return render_template(
        "profile/layer.html",
        page=layer_page(catalogue(), view, key),
        view=view,
        base=url_for("team.member", slug=slug, member_id=member_id),
        team=team,
    )


@pages.post("/team/<slug>/target")
@action("team.manage", owned=True)
def target(slug: str) -> ResponseReturnValue:
    """Compare a team with another role."""
    with unit(write=True) as u:
        team = u.team.team(slug)
        authorise(team)
        u.team.aim(signed_in(), team, request.form.get("role", ""))
    return redirect(url_for("team.show", slug=slug))


@pages.post("/team/<slug>/members")
@action("team.manage", owned=True)
@limiter.limit("300 per hour", key_func=per_person)
def add(slug: str) -> ResponseReturnValue:
    """Put a colleague into a team."""
    with unit() as u:
        team = u.team.team(slug)
        authorise(team)
        form = AddForm.of(u.team.colleagues(team))
    try:
        if not form.sent():
            raise Invalid({"user": "Choose a colleague of the list."})
        with unit(write=True) as u:
            u.team.add(signed_in(), u.team.team(slug), form.user.data)
        flash("Added. Nothing of them is shown until they decide what to share.", "success")
    except (Conflict, Invalid, NotFound) as error:
        flash(f"{error.cause} {error.cure}".strip(), "error")
    return redirect(url_for("team.show", slug=slug) + "#members")


@pages.post("/team/<slug>/members/<int:member_id>/remove")
@action("team.manage", owned=True)
def remove(slug: str, member_id: int) -> ResponseReturnValue:
    """Take a member out of a team; one who is out of it already, by another tab or a double click, stays out."""
    with unit(write=True) as u:
        team = u.team.team(slug)
        authorise(team)
        found = next((one for one in team.members if one.id == member_id), None)
        if found is not None:
            u.team.remove(signed_in(), found)
    flash("Removed from the team.", "success")
    return redirect(url_for("team.show", slug=slug) + "#members")


@pages.get("/team/<slug>/sharing")
@action("team.membership", owned=True)
def sharing(slug: str) -> ResponseReturnValue:
    """Show the own membership: which layers the team's managers see."""
    with unit() as u:
        own = u.team.own_membership(signed_in(), slug)
        authorise(own)
        looks = u.looks.at(own.person_id)
    layers = catalogue().framework.layers
    place = f"team:{slug}"
    return render_template(
        "team/sharing.html",
        own=own,
        layers=layers,
        form=ShareForm(),
        looks=[one for one in looks if one.place == place],
    )


@pages.post("/team/<slug>/sharing")
@action("team.share", owned=True)
def share(slug: str) -> ResponseReturnValue:
    """Decide which layers the team's managers see."""
    form = ShareForm()
    with unit(write=True) as u:
        own = u.team.own_membership(signed_in(), slug)
        authorise(own)
        u.team.share(own, form.layers)
        count = len(own.shares or ())
    flash(f"Saved: {count or 'no'} {'layer is' if count == 1 else 'layers are'} shared.", "success")
    return redirect(url_for("team.sharing", slug=slug))


def _index(form: TeamForm) -> str:
    with unit() as u:
        lines = u.team.list(signed_in())
    return render_template("team/index.html", lines=lines, form=form, roles=_roles())


def _shared(slug: str, member_id: int) -> tuple[Team, TeamMember, ProfileView]:
    """Return a member with what they share, and record the look."""
    with unit() as u:
        team = u.team.team(slug)
        authorise(team)
        found = u.team.member(team, member_id)
        shares = found.shares or ()
        view = shared_part(u.profile.view(found.person_id, layers=shares), shares)
    if found.shares:
        _look([found.person_id], slug)
    role = catalogue().roles.get(team.role_key)
    return team, found, view.against(role) if role else view


def _look(person_ids: list[int], slug: str) -> None:
    """Record who looked at whom; a write only at the first look of a day."""
    who, place = signed_in(), f"team:{slug}"
    with unit() as u:
        new = bool(person_ids and u.looks.missing(who, person_ids, place))
    if new:
        with unit(write=True) as u:
            u.looks.record(who, person_ids, place)


def _roles() -> dict[str, str]:
    return {role.key: role.name for role in catalogue().roles.values()}
