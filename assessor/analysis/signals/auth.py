"""Layer 7: who may call the service's routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from assessor.analysis.facts.configuration_model import ManifestFacts, WatchFacts
from assessor.analysis.facts.model import Call
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.idioms import Lookup, last_of, lookup_of
from assessor.analysis.signals.infrastructure import HANDLER_DECORATOR, ROUTE
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Place, at_call, at_place, methods, scopes_within
from assessor.analysis.signals.told import told

__all__ = ["api_auth"]

REQUIRED = Lazy(
    r"flask_login\.(?:utils\.)?(?:login_required|fresh_login_required)|flask_jwt_extended\.(?:view_decorators\.)?(?:jwt_required|fresh_jwt_required"
    r"|jwt_refresh_token_required|jwt_optional)|flask_httpauth\.\w+\(\)\.login_required|flask_security\.(?:decorators\.)?(?:auth_required"
    r"|login_required|roles_required|roles_accepted|permissions_required|auth_token_required)|flask_principal\.\w+\(\)\.require"
    r"|flask_oidc\.OpenIDConnect\(\)\.(?:require_login|accept_token)|flask_praetorian\.(?:auth_required|roles_required)|flask_jwt\.jwt_required"
    r"|authlib\.integrations\.\w+\.ResourceProtector\(\)(?:\(\))?|django\.contrib\.auth\.decorators\.\w+|django\.contrib\.admin\.views\.decorators\.\w+"
    r"|rest_framework\.decorators\.permission_classes|starlette\.authentication\.requires|tornado\.web\.authenticated|sanic_jwt\.\w*protected"
    r"|sanic_ext\.\w*auth\w*|quart_auth\.login_required|quart_jwt_extended\.jwt_required|ninja_jwt\.\w+|flask_basicauth\.BasicAuth\(\)\.required"
    r"|fief_client\.\w+|bentoml\.\w*auth\w*"
)
"""Decorators of libraries that let nobody in without proof."""

BASES = Lazy(
    r"django\.contrib\.auth\.mixins\.(?:LoginRequired|PermissionRequired|UserPassesTest)Mixin$|rest_framework\.permissions\.BasePermission$"
    r"|rest_framework\.authentication\.\w+Authentication$|starlette\.authentication\.AuthenticationBackend$"
)
CHECKED = Lazy(
    r"flask_jwt_extended\.(?:view_decorators\.)?verify_jwt_in_request$|fastapi_jwt_auth\.AuthJWT\(\)\.(?:jwt_required|fresh_jwt_required)$"
    r"|aiohttp_security\.(?:api\.)?check_(?:authorized|permission)$|flask_basicauth\.BasicAuth$"
)
PERMISSION = Lazy(r"rest_framework\.permissions\.(?!AllowAny|BasePermission|SAFE)\w+")
SCHEME = Lazy(
    r"fastapi\.security\.(?:\w+\.)?(?:OAuth2\w*|HTTP(?:Bearer|Basic|Digest)|APIKey\w+|OpenIdConnect)(?:\(\))?"
)
USERS = Lazy(
    r"(?:fastapi_users|fastapi_login|fastapi_azure_auth|fastapi_keycloak|fastapi_auth0|fastapi_cloudauth|clerk_backend_api)\b"
)
DEPENDS = Lazy(
    r"(?:fastapi|fastapi\.params|fastapi\.param_functions)\.(?:Depends|Security)$|litestar\.di\.Provide$|ninja\..*Auth$"
)
REFUSED = (
    *(
        "HTTPException",
        "HTTPError",
        "abort",
        "send_error",
        "send_response",
        "set_status",
        "make_response",
        "close",
        "APIException",
    ),
    *(
        "Response",
        "JSONResponse",
        "PlainTextResponse",
        "HTMLResponse",
        "ORJSONResponse",
        "HttpResponse",
        "JsonResponse",
        "WebSocketException",
    ),
    *("json_response", "RedirectResponse", "HttpError", "ApiError", "abort_with_status"),
)
DENIED = Lazy(r"(?:aiohttp|werkzeug|rest_framework|django|sanic|falcon|litestar|quart|connexion|chalice|starlite)\.")
DENIED_LASTS = (
    *(
        "HTTPUnauthorized",
        "HTTPForbidden",
        "Unauthorized",
        "Forbidden",
        "AuthenticationFailed",
        "NotAuthenticated",
        "PermissionDenied",
    ),
    *(
        "NotAuthorizedException",
        "PermissionDeniedException",
        "HttpResponseForbidden",
        "UnauthorizedError",
        "ForbiddenError",
    ),
)
CODES = Lazy(
    r"=?(?:.*\.)?(?:HTTP_40[13]\w*|UNAUTHORIZED|FORBIDDEN|UNAUTHENTICATED|PERMISSION_DENIED|40[13])(?:\.value)?$"
)
SIGN_IN = Lazy(
    r"(?:^|_)(?:log_?in|sign_?(?:in|up|on)|register|token|refresh|callback|authenticate|reset|auth|oauth\w*|password)(?:_|$)",
    re.IGNORECASE,
)
HOOKS = Lazy(
    r".*\(\)\.(?:middleware|before_request|before_app_request|on_request|before_serving|listener)(?:\(\))?$|aiohttp\.web\.middleware$"
)
MIDDLEWARE = Lazy(
    r"starlette\.middleware\.base\.BaseHTTPMiddleware$|django\.utils\.deprecation\.MiddlewareMixin$|grpc(?:\.aio)?\.ServerInterceptor$"
)
SWITCHES = ("auth_enabled", "http_auth_level", "requires_proxy_auth", "authorizer", "auth_mode")
ISTIO = frozenset({"AuthorizationPolicy", "RequestAuthentication", "OAuth2Client", "SecurityPolicy"})


def api_auth(project: Project) -> Iterator[Finding]:
    """Find proof of identity or right that the service's routes demand.

    Bad: `OpenAI(api_key=key)`, `@app.post("/login")` that answers 401, a guard that no route takes.
    Good: `@app.get("/rows", dependencies=[Depends(signed_in)])` where signed_in() refuses with 401; `@jwt_required()`.
    """
    lookup = lookup_of(project)
    guards = {(place.path, place.index): place for place in _guards(lookup)}
    yield from _required_by_library(lookup)
    yield from _dependencies(lookup, guards)
    yield from _own_guards(lookup, guards)
    yield from _by_platform(project, lookup)


def _required_by_library(lookup: Lookup) -> Iterator[Finding]:
    for seen in lookup.decorated(REQUIRED):
        yield at_place(
            "api-auth", "required", seen.place, f"{seen.place.definition.name}() asks for proof: {_shown(seen.name)}"
        )
    for place in lookup.code.classes():
        bases = [lookup.project.resolve(place.path, base) for base in place.definition.bases]
        if any(BASES.match(base) for base in bases):
            yield at_place("api-auth", "class", place, f"{place.definition.name} lets in only who may")
    for path in sorted(lookup.imported.get("rest_framework", ())):
        for one in lookup.code.files[path].references:
            if one.scope >= 0 and PERMISSION.match(lookup.project.resolve(path, one.name)):
                kept = lookup.code.files[path].definitions[one.scope]
                if kept.kind == "class":
                    place = Place(path, one.scope, kept)
                    yield replace(
                        at_place("api-auth", "permission", place, f"{kept.name} asks for a right"), line=one.line
                    )
    for name in lookup.under(("flask_jwt_extended", "fastapi_jwt_auth", "aiohttp_security", "flask_basicauth")):
        if CHECKED.match(name):
            yield from (at_call("api-auth", "checked", site, "proof is asked for") for site in lookup.code.named(name))


def _guards(lookup: Lookup) -> Iterator[Place]:
    """Find functions that may refuse with 401 or 403; a decorator of one's own has its refusal in the function inside."""
    for site in lookup.ending(*REFUSED):
        if _refuses(site.call):
            yield from _around(lookup, site.path, site.call.scope)
            if site.call.scope < 0:  # an error that is made once, and raised by name
                yield from _raising_it(lookup, site.path, site.call)
    for site in lookup.ending(*DENIED_LASTS):
        if DENIED.match(site.name):
            yield from _around(lookup, site.path, site.call.scope)
    for path, known in lookup.code.files.items():
        for sign, _, scope in known.operations:
            if sign == "refuse":
                yield from _around(lookup, path, scope)


def _around(lookup: Lookup, path: str, scope: int) -> Iterator[Place]:
    """Yield the function of a scope where it decides anything, and the functions around it."""
    known, inner = lookup.code.files[path], scope
    while scope >= 0 and known.definitions[scope].kind != "class":
        body = known.definitions[scope]
        if body.complexity > 1 or scope != inner:
            yield Place(path, scope, body)
        scope = body.parent


def _refuses(call: Call) -> bool:
    values = [
        *call.arguments[:2],
        *(
            value
            for key, value in call.keywords
            if key in ("status_code", "status", "code", "status_code_or_exception")
        ),
    ]
    return any(CODES.match(str(value)) for value in values if value is not None and value is not True)


def _raising_it(lookup: Lookup, path: str, call: Call) -> Iterator[Place]:
    known = lookup.code.files[path]
    names = {one.target for one in known.assigns if one.line == call.line and one.scope == -1}
    for one in known.references if names else ():
        if one.scope >= 0 and one.name == f"{call.name}()" and known.definitions[one.scope].complexity > 1:
            yield Place(path, one.scope, known.definitions[one.scope])


def _dependencies(lookup: Lookup, guards: dict[tuple[str, int], Place]) -> Iterator[Finding]:
    """Find guards and security schemes that a framework is told to ask before a handler."""
    asked: dict[tuple[str, int], str] = {}
    for name in list(lookup.under(("fastapi", "litestar", "ninja"))):
        if not DEPENDS.match(name):
            continue
        for site in lookup.code.named(name):
            for value in [*site.call.arguments[:1], *(one for key, one in site.call.keywords if key == "dependency")]:
                target = (
                    lookup.project.resolve(site.path, str(value)[1:])
                    if isinstance(value, str) and value[:1] == "="
                    else ""
                )
                place = lookup.project.definition(target)
                if SCHEME.match(target) or USERS.match(target):
                    yield replace(
                        at_call("api-auth", "scheme", site, f"{_shown(target)} is asked before a handler"),
                        wired_by=_route_at(lookup, site.path, site.call.line),
                    )
                elif place is not None:
                    told_by = _route_at(lookup, site.path, site.call.line)
                    asked[place.path, place.index] = asked.get((place.path, place.index)) or told_by or ""
    for key, route in sorted(asked.items()):
        leading = _led(lookup, key, guards)
        if leading is not None:
            guard = guards[leading]
            message = f"{guard.definition.name}() refuses who may not, before handlers"
            yield replace(at_place("api-auth", "dependency", guard, message), wired_by=route or None)


def _led(lookup: Lookup, key: tuple[str, int], guards: dict[tuple[str, int], Place]) -> tuple[str, int] | None:
    """Return the guard that a dependency is, or that it calls."""
    if key in guards:
        return key
    path, index = key
    for call in lookup.code.calls_within(path, index) if path in lookup.code.files else ():
        place = lookup.project.definition(lookup.project.resolve(path, call.name))
        if place is not None and (place.path, place.index) in guards:
            return place.path, place.index
    return None


def _route_at(lookup: Lookup, path: str, line: int) -> str | None:
    """Return the handler whose decorators or parameters a line belongs to."""
    for body in lookup.code.files[path].definitions:
        near = bool(body.decorators) and body.decorators[0][1] <= line <= min(body.line + 12, body.end_line)
        if near and any(ROUTE.match(lookup.project.resolve(path, name)) for name, _ in body.decorators):
            return f"the handler {body.name}, {path}:{body.line}"
    return None


def _own_guards(lookup: Lookup, guards: dict[tuple[str, int], Place]) -> Iterator[Finding]:
    """Find guards that handlers call or bear as decorators, and that run before every handler."""
    project = lookup.project
    for place in guards.values():
        decorators = [project.resolve(place.path, name) for name, _ in place.definition.decorators]
        if any(HOOKS.match(name) for name in decorators):
            yield at_place(
                "api-auth", "before", place, f"{place.definition.name}() runs before every handler and refuses"
            )
        elif _routed(decorators) and not SIGN_IN.search(place.definition.name):
            yield at_place("api-auth", "handler", place, f"the handler {place.definition.name}() refuses who may not")
    names = {f"{project.module_of(place.path)}.{_full(lookup, place)}": place for place in guards.values()}
    for one in lookup.decorated(re.compile(r".")):
        guard = names.get(one.name.removesuffix("()"))
        if guard is not None and (one.place.path, one.place.index) not in guards:
            yield at_place(
                "api-auth",
                "decorator",
                one.place,
                f"{one.place.definition.name}() asks {guard.definition.name}() first",
            )
    for place in _handlers(lookup):
        if SIGN_IN.search(place.definition.name):
            continue
        for call in lookup.code.calls_within(place.path, place.index):
            guard = names.get(project.resolve(place.path, call.name).replace("()", ""))
            if guard is not None and (guard.path, guard.index) != (place.path, place.index):
                yield at_place(
                    "api-auth", "called", place, f"{place.definition.name}() asks {guard.definition.name}() first"
                )
                break
    yield from _middleware(lookup, guards)


def _middleware(lookup: Lookup, guards: dict[tuple[str, int], Place]) -> Iterator[Finding]:
    for place in lookup.code.classes():
        inside = scopes_within(lookup.code.files[place.path], place.index)
        refusing = any(path == place.path and index in inside for path, index in guards)
        if not refusing:
            continue
        ancestors = list(lookup.project.ancestors(place.path, place.definition))
        named = {body.name for _, body in methods(lookup.code.files[place.path], place.index)}
        if (
            any(MIDDLEWARE.match(name) for name in ancestors)
            or {"__init__", "__call__"} <= named
            or "process_request" in named
        ):
            yield at_place("api-auth", "middleware", place, f"{place.definition.name} refuses who may not")
        elif any(
            name.endswith(("RequestHandler", "Servicer", "APIView", "Resource", "MethodView", "HTTPEndpoint"))
            for name in ancestors
        ):
            yield at_place("api-auth", "handler", place, f"{place.definition.name} refuses who may not")


def _handlers(lookup: Lookup) -> Iterator[Place]:
    for place in lookup.code.functions():
        decorators = [lookup.project.resolve(place.path, name) for name, _ in place.definition.decorators]
        if _routed(decorators):
            yield place


def _routed(decorators: list[str]) -> bool:
    return any(ROUTE.match(name) or HANDLER_DECORATOR.match(name) for name in decorators)


def _full(lookup: Lookup, place: Place) -> str:
    known, parts, index = lookup.code.files[place.path], list[str](), place.index
    while index >= 0:
        parts.append(known.definitions[index].name)
        index = known.definitions[index].parent
    return ".".join(reversed(parts))


def _by_platform(project: Project, lookup: Lookup) -> Iterator[Finding]:
    """Find platforms, meshes and managed services that are told to let nobody in without proof."""
    for site, value in lookup.given(*SWITCHES):
        if value is True or (
            isinstance(value, str) and re.search(r"FUNCTION|ADMIN|^key$|aad_token|^=.*(?:authorizer|Authorizer)", value)
        ):
            yield at_call("api-auth", "platform", site, f"the platform asks for proof ({last_of(site.name)})")
    for path, watch in project.of(WatchFacts).items():
        for one in watch.watches:
            if one.kind == "auth" and role_of(path) is Role.OWN:
                yield told(
                    "api-auth",
                    "platform",
                    path,
                    one.line,
                    f"the service is deployed with {one.name}",
                    wired_by=f"{path}:{one.line}",
                )
    for path, manifest in project.of(ManifestFacts).items():
        for thing in manifest.objects:
            if role_of(path) is Role.OWN and thing.kind in ISTIO:
                yield told(
                    "api-auth",
                    "mesh",
                    path,
                    thing.line,
                    f"{thing.kind} {thing.name}".strip(),
                    Strength.USED,
                    f"{path}:{thing.line} is read by the mesh",
                )


def _shown(name: str) -> str:
    return name.removesuffix("()").rpartition(".")[2]
