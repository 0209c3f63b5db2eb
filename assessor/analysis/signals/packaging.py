"""Engineering practice: settings apart from code, and code as a package that others import."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from assessor.analysis.facts.model import Assign, PythonFacts
from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.reach import Reach
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Lookup, lookup_of, texts_given
from assessor.analysis.signals.sites import Body, Place, Site, at_call, at_place, first_of_each_file

__all__ = ["config_management", "modular_package"]

READERS = Lazy(
    r"hydra\.(?:compose|initialize\w*)$|omegaconf\.(?:omegaconf\.)?OmegaConf\.(?:load|from_cli|from_dotlist)$|dynaconf\.(?:Dynaconf|LazySettings|FlaskDynaconf)$"
    r"|decouple\.(?:config|Config|AutoConfig)(?:\(\))?$|environs\.Env\(\)(?:\.\w+)?$|environ\.Env\(\)(?:\.\w+)?$|gin\.parse_config\w*$"
    r"|ml_collections\.config_flags\..*DEFINE_config_\w+$|ml_collections\.config_flags\.DEFINE_config_\w+$|mmengine\.(?:config\.)?Config\.fromfile$|mmcv\.Config\.fromfile$"
    r"|yacs\.config\.CfgNode\(\)\.(?:merge_from_file|merge_from_list)$|yacs\.config\.CfgNode\.load_cfg$|dvc\.api\.params_show$|starlette\.config\.Config(?:\(\))?$"
    r"|configparser\.\w*ConfigParser\(\)\.read(?:_file)?$|configargparse\.\w+\(\)\.parse_args$|confuse\.Configuration\(\)\.|jsonargparse\.(?:CLI|ArgumentParser\(\)\.parse_path)$"
    r"|(?:lightning|pytorch_lightning)\.(?:pytorch\.)?cli\.LightningCLI$|transformers\.HfArgumentParser\(\)\.(?:parse_json_file|parse_yaml_file)$"
    r"|kedro\.config\..*|sacred\.Experiment\(\)\.add_config$|flask\.Flask\(\)\.config\.from_(?:envvar|pyfile|file|prefixed_env)$|simple_parsing\.parse$"
    r"|everett\.manager\.ConfigManager|goodconf\.|typed_settings\.load\w*$|pyhocon\.ConfigFactory\.parse_file$|anyconfig\.load$|box\.Box\.from_(?:yaml|toml)$"
)
READER_ROOTS = words_of(
    "hydra omegaconf dynaconf decouple environs environ gin ml_collections mmengine mmcv yacs dvc starlette configparser configargparse confuse"
    " jsonargparse lightning pytorch_lightning transformers kedro sacred flask simple_parsing everett goodconf typed_settings pyhocon anyconfig box"
)
PARSERS = Lazy(
    r"(?:yaml|ruamel\.yaml|ruyaml|toml|tomllib|tomli|tomlkit|pytoml|json|json5|hjson|commentjson|rtoml|oyaml)\.(?:YAML\(\)\.)?(?:safe_load|load|loads|full_load|parse)(?:_all)?$"
)
PARSER_ROOTS = words_of("yaml ruamel ruyaml toml tomllib tomli tomlkit pytoml json json5 hjson commentjson rtoml oyaml")
SETTINGS_FILE = Lazy(
    r"(?:.*[/\\])?[^/\\]*\.(?:ya?ml|toml|ini|cfg|conf|properties)$|(?:.*[/\\])?[^/\\]*(?:config|conf|settings?|param(?:eter)?s|options|hparams)[^/\\]*\.json5?$",
    re.I,
)
OF_TOOLS = Lazy(
    r"(?:.*[/\\])?(?:pyproject\.toml|setup\.cfg|tox\.ini|mypy\.ini|pytest\.ini|(?:docker-)?compose[^/]*\.ya?ml|\.pre-commit-config\.ya?ml|mkdocs\.ya?ml|openapi[^/]*|swagger[^/]*"
    r"|dvc\.(?:yaml|lock)|environment\.ya?ml|cargo\.toml|poetry\.lock|\.gitlab-ci\.yml)$|.*\.github[/\\]",
    re.I,
)
SPEAKS = Lazy(
    r"(?:^|[_.~?])(?:config\w*|conf|cfg|settings?|params?|parameters|hparams|hyper_?params\w*)(?:$|[_.\[(])",
    re.I,
)
MODELS = Lazy(r"pydantic_settings\.(?:main\.)?BaseSettings$|pydantic\.(?:v1\.|env_settings\.)?BaseSettings$")
ENVIRONMENT = frozenset({"os.getenv", "os.environ.get", "os.environ.setdefault"})
SYSTEM = Lazy(
    r"(?:HOME|PATH|USER|PWD|SHELL|LANG|TERM|CI|TMPDIR|TEMP|DISPLAY|HOSTNAME|(?:LOCAL_)?RANK|(?:LOCAL_)?WORLD_SIZE|MASTER_\w+|CUDA_\w+|SLURM_\w+|OMP_\w+|PYTHON\w+"
    r"|GITHUB_\w+|XDG_\w+|TOKENIZERS_\w+|TF_\w+|TPU_\w+|NCCL_\w+|KMP_\w+|HF_\w+|TRANSFORMERS_\w+|NO_COLOR|EDITOR|VIRTUAL_ENV|\w*(?:_KEY|_TOKEN|_SECRET|PASSWORD|_PASS))$"
)
ENOUGH_NAMES = 3


def config_management(project: Project) -> Iterator[Finding]:
    """Find settings that stand apart from the code, in files or the environment, and that the code reads.

    Bad: `pyproject.toml` of a linter, `LR = 0.1` in the script, one API key from the environment.
    Good: `@hydra.main(config_name="train")`, `class Settings(BaseSettings)`, `yaml.safe_load(open("params.yaml"))`.
    """
    look = lookup_of(project)
    yield from first_of_each_file(_read_settings(look))
    for one in look.decorated:
        if one.name.startswith(("hydra.main", "hydra_zen.", "gin.configurable", "pyrallis.wrap")) and _takes(one.place):
            yield at_place("config-management", "framework", one.place, "runs with the settings of configuration files")
    for site in look.ending("merge_from_file", "merge_from_list"):
        if site.name.startswith("?"):
            yield at_call("config-management", "reader", site, "settings are merged from a file")
    yield from _settings_models(look)
    yield from _environment(look)
    yield from _modules(look)


def _takes(place: Place) -> bool:
    return place.definition.parameters > 0 and place.definition.statements > 0


def _read_settings(look: Lookup) -> Iterator[Finding]:
    for site in look.rooted(READERS, *READER_ROOTS):
        yield at_call("config-management", "reader", site, f"settings are read by {site.name.partition('.')[0]}")
    for site in look.rooted(PARSERS, *PARSER_ROOTS):
        if not site.call.discarded and _of_settings(look, site):
            yield at_call("config-management", "file", site, "settings are read from a file")


def _of_settings(look: Lookup, site: Site) -> bool:
    """Tell whether what is parsed is a file of settings: by its name, or by what the code around calls it."""
    scope = site.call.scope
    said = look.code.body(site.path, scope)
    given = [text for call in said.calls if abs(call.line - site.call.line) <= 8 for text in call.arguments]
    given += [one.value for one in said.assigns]
    files = [one for one in given if isinstance(one, str) and SETTINGS_FILE.match(one.lstrip("="))]
    if files and all(OF_TOOLS.match(one) for one in files):
        return False
    if any(not OF_TOOLS.match(one) and not one.startswith("=") for one in files):
        return True
    if site.name.endswith("loads") and not any(READ_FROM.match(call.name) for call in said.calls):
        return False  # a text that somebody handed over
    return _speaks(look.code.files[site.path], said, site)


READ_FROM = Lazy(r"open$|.*\.(?:read|read_text|read_bytes|open|get_data)$")


def _speaks(known: PythonFacts, said: Body, site: Site) -> bool:
    if site.call.scope >= 0 and SPEAKS.search(known.definitions[site.call.scope].name):
        return True
    near = [one.target for one in said.assigns if site.call.line - 1 <= one.line <= site.call.line + 1]
    near += [value for value in site.call.arguments if isinstance(value, str)]
    near += [
        value
        for call in said.calls
        if site.call.line - 2 <= call.line <= site.call.line
        for value in call.arguments
        if isinstance(value, str) and value.startswith("=")
    ]
    return any(SPEAKS.search(one.lstrip("=")) for one in near)


def _settings_models(look: Lookup) -> Iterator[Finding]:
    code = look.code
    for place in code.classes():
        if not place.definition.statements or not place.definition.bases:
            continue
        if any(MODELS.match(name) for name in code.project.ancestors(place.path, place.definition)):
            name = f"{code.project.module_of(place.path)}.{place.definition.name}"
            made = bool(code.named(name)) or any(
                other.parent == -1 and any(code.project.resolve(place.path, base) == name for base in other.bases)
                for other in code.files[place.path].definitions
            )
            strength = Strength.USED if made else Strength.DECLARED
            message = f"{place.definition.name} reads settings from the environment"
            yield at_place("config-management", "model", place, message, strength)


def _environment(look: Lookup) -> Iterator[Finding]:
    """Find files that read several settings of their own from the environment."""
    found: dict[str, dict[str, Site]] = defaultdict(dict)
    for name in sorted(ENVIRONMENT):
        for site in look.code.named(name):
            key = next(iter(texts_given(site)), "")
            if key and not SYSTEM.match(key) and not site.call.discarded:
                found[site.path].setdefault(key, site)
    for path in sorted(found):
        sites = sorted(found[path].values(), key=lambda site: site.call.line)
        loaded = "dotenv" in look.imported[path] or any(
            look.code.named(f"dotenv.{one}") for one in ("load_dotenv", "find_dotenv")
        )
        if len(sites) >= ENOUGH_NAMES or (loaded and len(sites) >= ENOUGH_NAMES - 1):
            names = ", ".join(sorted(found[path])[:4])
            yield at_call(
                "config-management", "environment", sites[0], f"settings are read from the environment: {names}"
            )


MODULES = Lazy(r"(?:.*[/_])?\w*(?:config|settings|conf|hparams|hyperparams)\.py|(?:.*/)?config/defaults?\.py", re.I)
ENOUGH_VALUES = 5


def _modules(look: Lookup) -> Iterator[Finding]:
    """Find modules that hold settings alone and that other modules read: config.py with a class or constants."""
    project = look.code.project
    held = [
        path
        for path in look.own
        if MODULES.fullmatch(path) and kind_of(path) is Kind.PYTHON and _holds(project.python[path])
    ]
    names = {path.rpartition("/")[2].removesuffix(".py") for path in held}
    imported = {
        target
        for path in (look.own if held else ())
        for one in project.python[path].imports
        if names & set(one.name.split(".")) and (target := _module_path(project, path, one.name)) not in (None, path)
    }
    for path in held:
        if path in imported:
            first = next(one for one in project.python[path].assigns if _given(one))
            message = "settings stand in a module of their own"
            yield Finding("config-management", "module", path, first.line, message, Strength.USED, scope=first.scope)


def _holds(known: PythonFacts) -> bool:
    values = sum(map(_given, known.assigns))
    return values >= ENOUGH_VALUES and values >= 2 * len(known.definitions)


def _given(one: Assign) -> bool:
    return one.value is not None and not str(one.value).startswith("=?")


ENOUGH_MODULES = 2
MANY_HELPERS = 3


def modular_package(project: Project, reach: Reach) -> Iterator[Finding]:
    """Find a package of several modules with an entry point or a public API that something imports.

    Bad: one flat script, `__init__.py` in empty folders, notebooks that define everything anew.
    Good: `from forecast.features import lags` in `forecast/train.py` behind `[project.scripts]`.
    """
    packages: dict[str, list[str]] = defaultdict(list)
    for path in lookup_of(project).own:
        top = _package_of(project, path)
        if top is not None and kind_of(path) is Kind.PYTHON and _defines(project.python[path]):
            packages[top].append(path)
    copying = _copies(project, {path for paths in packages.values() for path in paths})
    for top, paths in sorted(packages.items()):
        if len(paths) < ENOUGH_MODULES:
            continue
        used = _used(project, top, paths)
        place = _best_place(project, reach, paths)
        if used is None or place is None:
            continue
        if copying is not None:
            message = f"{top} is a package, but {copying} defines its own functions and imports none of it"
            yield at_place("modular-package", "copied", place, message, Strength.DECLARED)
        else:
            message = f"{top} is a package of {len(paths)} modules, {used}"
            yield at_place("modular-package", "package", place, message)


def _package_of(project: Project, path: str) -> str | None:
    """Return the folder of the outermost package that a file is in: one with __init__.py, or a namespace at the top."""
    folder, top = path.rpartition("/")[0], None
    if folder and "/" not in folder and f"{folder}/__init__.py" not in project.entries and _named_in(project, folder):
        return folder
    while folder and f"{folder}/__init__.py" in project.entries:
        top, folder = folder, folder.rpartition("/")[0]
    return top


def _named_in(project: Project, folder: str) -> bool:
    """Tell whether files elsewhere import modules of a folder by its name, as of a package."""
    return folder in project.imported_folders


def _defines(known: PythonFacts) -> bool:
    return any(body.parent == -1 and body.statements for body in known.definitions)


def _used(project: Project, top: str, paths: list[str]) -> str | None:
    """Say what makes a package more than a folder: a command, a name it exports, or who imports it."""
    inside = set(paths) | {f"{top}/__init__.py"}
    name = top.rpartition("/")[2]
    for where, found in project.facts.items():
        for command, target, line in getattr(found.facts, "entry_points", ()):
            if target.partition(":")[0].partition(".")[0] == name:
                return f"with the command {command} ({where}:{line})"
    joined = 0
    for path, known in project.python.items():
        if role_of(path) in (Role.VENDORED, Role.GENERATED) or (f"{top}/" in path and role_of(path) is Role.TEST):
            continue
        for one in known.imports:
            target = _module_path(project, path, one.name)
            if target is None or target == path or target not in inside:
                continue
            if path not in inside and not path.startswith(top + "/"):
                return f"imported by {path}:{one.line}"
            joined += 1
            if path.endswith("__init__.py"):
                return f"with a public API in {path}"
    if joined and f"{top}/__main__.py" in project.entries:
        return f"run as python -m {name}"
    started = {place for command in project.commands for place in _started_in(command.text, top, name)}
    return "started by what configuration runs" if joined and started else None


def _started_in(text: str, top: str, name: str) -> list[str]:
    return re.findall(rf"(?:^|[\s\"'=/]){re.escape(name)}(?:\.\w+)+(?::\w+)?|{re.escape(top)}/\S+\.py", text)


def _module_path(project: Project, path: str, name: str) -> str | None:
    dotted = project.resolve(path, name)
    for _ in range(3):
        if dotted in project.modules:
            return project.modules[dotted]
        dotted = dotted.rpartition(".")[0]
    return None


def _best_place(project: Project, reach: Reach, paths: list[str]) -> Place | None:
    best: tuple[tuple[bool, bool, bool], Place] | None = None
    for path in paths:
        for index, body in enumerate(project.python[path].definitions):
            if body.parent == -1 and body.statements:
                wiring = reach.of(path, index)
                rank = (wiring.alive, wiring.wired_by is not None, wiring.verified_by is not None)
                if best is None or rank > best[0]:
                    best = rank, Place(path, index, body)
                if all(rank):
                    return best[1]
    return best[1] if best else None


def _copies(project: Project, inside: set[str]) -> str | None:
    """Return a notebook that defines functions of its own where no notebook imports the package."""
    notebooks = {
        path: known
        for path, known in project.python.items()
        if kind_of(path) is Kind.NOTEBOOK and role_of(path) is not Role.VENDORED
    }
    for path, known in notebooks.items():
        if any(_module_path(project, path, one.name) in inside for one in known.imports):
            return None
    return next(
        (
            path
            for path, known in notebooks.items()
            if sum(body.parent == -1 for body in known.definitions) >= MANY_HELPERS
        ),
        None,
    )
