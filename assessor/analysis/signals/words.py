"""Say what the words of a command mean: what wraps it, and whether it tests, lints, installs or builds."""

from __future__ import annotations

import re
from typing import NamedTuple

from assessor.analysis.facts.shell import Simple, words_of
from assessor.analysis.signals.lazy import Lazy

__all__ = [
    "RAISED",
    "Unwrapped",
    "builds_image",
    "installs",
    "joined",
    "lints",
    "may_fail",
    "option",
    "plain_run",
    "same_file",
    "tests",
    "unwrap",
]

PREFIX = frozenset(
    words_of(
        "sudo time env nohup command exec stdbuf nice xvfb-run catchsegv travis_retry travis_wait timeout retry npx pnpx bunx uvx pipx dotenv"
        " unbuffer chronic cross-env winpty op doppler mpirun dbus-run-session gosu su-exec ionice flock strace"
    )
)
RUNNERS = frozenset(words_of("uv poetry pipenv pdm hatch rye pixi conda mamba micromamba poe"))
VALUED = frozenset(
    words_of(
        "-n --name --extra --group --with --python -p --env -e --package --directory --project --from --only-group --with-requirements --features"
        " --manifest-path --feature --environment --prefix -c --cov -np --package-name -w --workdir --user -u -v --volume --network --entrypoint"
        " --platform --gpus --shm-size --env-file --mount -h --hostname --ipc --memory -m --cpus --add-host --link --pull --file -f --profile"
    )
)
CONTAINER_VALUED = VALUED | {
    "--name",
    "--rm-x",
    "--label",
    "-l",
    "--publish",
    "--expose",
    "--ulimit",
    "--security-opt",
    "--cap-add",
}


FOLDER_IN_FRONT = re.compile(r"^\$(?:\{\w+\}/?|\w+/)(?=\w)")


class Unwrapped(NamedTuple):
    """Hold a command without what wraps it: a script for `sh -c`, the image for `docker run`, whether a runner of tasks took it."""

    words: tuple[str, ...]
    script: str = ""
    image: str = ""
    runner: bool = False


def unwrap(words: tuple[str, ...]) -> Unwrapped:
    """Take wrappers away from the left: sudo, uv run, python -m, coverage run, docker run, bash -c."""
    image, runner = "", False
    if words:  # "${PREFIX}coverage" runs what it would without the folder that the variable names
        words = (FOLDER_IN_FRONT.sub("", words[0]), *words[1:])
    for _ in range(8):
        if not words:
            break
        name = words[0].rpartition("/")[2].removesuffix(".exe")
        if name in PREFIX:
            words = _past(words[1:], VALUED)
            if name in ("pipx", "dotenv", "op", "doppler") and words[:1] == ("run",):
                words = _past(words[1:], VALUED)
        elif name in RUNNERS and "run" in words[1:4] and words[1:2] != ("build",):
            rest = words[words.index("run") + 1 :]
            module = rest[:1] in (("-m",), ("--module",))
            words, runner = (("python", *rest) if module else _past(rest, VALUED)), True
        elif re.fullmatch(r"(?:python|pypy|py)[\d.]*", name) or words[0] in ("$PYTHON", "${PYTHON}", "$(PYTHON)"):
            behind = _module(words[1:])
            if behind is None:
                break
            words, runner = behind, False
        elif name in ("coverage", "coverage3") and "run" in words[1:3]:
            rest = words[words.index("run") + 1 :]
            behind = _module(rest)
            words = behind if behind is not None else ("python", *_past(rest, VALUED))
        elif (
            name in ("docker", "docker-compose", "podman", "nvidia-docker") and (inner := _container(words)) is not None
        ):
            image, words = inner
        elif name == "kubectl" and "--" in words:
            words = words[words.index("--") + 1 :]
        elif name in ("bash", "sh", "zsh", "su") and any(re.fullmatch(r"-\w*c", word) for word in words[1:4]):
            place = next(number for number, word in enumerate(words) if re.fullmatch(r"-\w*c", word))
            return Unwrapped((), " ".join(words[place + 1 : place + 2]), image, runner)
        else:
            break
    return Unwrapped(words, "", image, runner)


def _past(words: tuple[str, ...], valued: frozenset[str]) -> tuple[str, ...]:
    """Return the words behind options, assignments and numbers."""
    place = 0
    while place < len(words):
        word = words[place]
        if word == "--":
            place += 1
            break
        if word in valued:
            place += 2
        elif word.startswith("-") or re.fullmatch(r"[A-Za-z_]\w*=.*|\d+[smh]?", word, re.DOTALL):
            place += 1
        else:
            break
    return words[place:]


def _module(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return what stands behind `-m`, None where a file or nothing is run."""
    for place, word in enumerate(words):
        if word == "-m":
            return words[place + 1 :]
        if word.startswith("-m") and len(word) > 2 and not word.startswith("--"):
            return (word[2:], *words[place + 1 :])
        if not word.startswith("-") and (
            place == 0 or words[place - 1] not in ("-W", "-X", "--source", "--rcfile", "--omit", "--include")
        ):
            return None
    return None


def _container(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """Return image or service, and the command that a container is started with."""
    for verb in ("run", "exec"):
        if verb in words[1:14]:
            rest = _past(words[words.index(verb) + 1 :], CONTAINER_VALUED)
            return (rest[0], rest[1:]) if len(rest) > 1 else None
    return None


def option(words: tuple[str, ...], *names: str) -> str | None:
    """Return the value of an option: `-e lint`, `--env=lint`, `-elint`."""
    for place, word in enumerate(words):
        for name in names:
            if word == name and place + 1 < len(words):
                return words[place + 1]
            if word.startswith(name + "="):
                return word[len(name) + 1 :]
            if len(name) == 2 and name[1] != "-" and word.startswith(name) and len(word) > 2 and word[1] != "-":
                return word[2:].lstrip("=")
    return None


TESTERS = frozenset(
    words_of(
        "pytest py.test pytest-3 unittest nose nose2 nosetests trial stestr ward behave green robot xdoctest doctest testslide jest vitest mocha ava"
        " karma rspec phpunit ctest bats zope-testrunner"
    )
)
IDLE = frozenset(
    {
        "--collect-only",
        "--co",
        "--version",
        "-V",
        "--help",
        "-h",
        "--fixtures",
        "--markers",
        "--setup-plan",
        "--passWithNoTests-only",
    }
)
SUBCOMMANDS: dict[str, frozenset[str]] = {
    "go": frozenset({"test"}),
    "cargo": frozenset({"test", "nextest", "llvm-cov", "tarpaulin"}),
    "mvn": frozenset({"test", "verify", "install", "package"}),
    "mvnw": frozenset({"test", "verify", "install", "package"}),
    "gradle": frozenset({"test", "check", "build"}),
    "gradlew": frozenset({"test", "check", "build"}),
    "sbt": frozenset({"test"}),
    "dotnet": frozenset({"test"}),
    "bazel": frozenset({"test"}),
    "bazelisk": frozenset({"test"}),
    "swift": frozenset({"test"}),
    "mix": frozenset({"test"}),
    "flutter": frozenset({"test"}),
    "dart": frozenset({"test"}),
    "deno": frozenset({"test"}),
    "bun": frozenset({"test"}),
    "playwright": frozenset({"test"}),
    "cypress": frozenset({"run"}),
    "hatch": frozenset({"test"}),
    "rails": frozenset({"test"}),
    "rake": frozenset({"test", "spec"}),
    "xcodebuild": frozenset({"test"}),
    "manage.py": frozenset({"test"}),
    "setup.py": frozenset({"test", "pytest", "nosetests"}),
    "gotestsum": frozenset({"--", ""}),
    "scons": frozenset({"test", "check"}),
    "ninja": frozenset({"test", "check"}),
    "nx": frozenset({"test", "run-many"}),
    "turbo": frozenset({"test"}),
}


def tests(words: tuple[str, ...]) -> bool:
    """Tell whether an unwrapped command runs tests itself."""
    if not words or IDLE & set(words):
        return False
    name = words[0].rpartition("/")[2]
    rest = words[1:]
    if re.fullmatch(r"python[\d.]*", name) and rest:
        script = next((word for word in rest if not word.startswith("-")), "")
        name, rest = script.rpartition("/")[2], rest[rest.index(script) + 1 :] if script in rest else ()
    if name in TESTERS:
        return not (name == "doctest" and not rest)
    if name in SUBCOMMANDS:
        return any(
            word in SUBCOMMANDS[name] or re.fullmatch(r":?[\w:\-]*:test", word) for word in rest
        ) and "-DskipTests" not in " ".join(rest)
    if name in ("Rscript", "R"):
        return bool(re.search(r"test\(|testthat|check\(|rcmdcheck|CMD check", " ".join(rest)))
    return False


LINTERS = frozenset(
    words_of(
        "flake8 pylint ruff mypy pyright basedpyright pyre pytype black isort autopep8 yapf pycodestyle pydocstyle pyflakes pep8 prospector bandit"
        " pre-commit prek vulture interrogate darglint codespell shellcheck hadolint eslint prettier tslint biome tsc stylelint golangci-lint"
        " gofmt golint staticcheck rubocop clippy rustfmt clang-format clang-tidy cpplint markdownlint yamllint sqlfluff nbqa blue pyupgrade"
        " import-linter lint-imports refurb dmypy ty pyrefly docformatter add-trailing-comma"
    )
)
FORMATTERS = frozenset(
    {"black", "isort", "autopep8", "yapf", "prettier", "gofmt", "docformatter", "rustfmt", "clang-format", "blue"}
)
CHECKED = Lazy(
    r"--(?:check|diff|check-only|list-different|error-exitcode|exit-non-zero-on-fix|dry-run|Werror)|(?:^|\s)-(?:c|l|-check|d)(?:\s|$)"
)


def lints(words: tuple[str, ...]) -> tuple[bool, bool]:
    """Tell whether an unwrapped command runs a linter, formatter or type checker, and whether what it finds makes it fail."""
    if not words or {"--version", "--help"} & set(words):
        return False, False
    name, rest = words[0].rpartition("/")[2], " ".join(words[1:])
    name = {"cargo": words[1] if len(words) > 1 else "", "go": words[1] if len(words) > 1 else ""}.get(name, name)
    if name == "pre-commit" or name == "prek":
        return "run" in words, "run" in words
    if name in ("vet", "fmt") and words[0] in ("go", "cargo"):
        return True, name == "vet" or "--check" in rest
    if name not in LINTERS:
        return False, False
    if "--exit-zero" in words or re.search(r"--exit-zero|--fail-under[= ]0\b|--exit-code[= ]0", rest):
        return True, False
    if name in FORMATTERS or (name == "ruff" and "format" in words[1:2]):
        return True, bool(CHECKED.search(rest))
    return True, True


INSTALL = Lazy(
    r"^(?:pip[\d.]*|uv\s+pip)\s+(?:install|sync)\b|^pip-sync\b|^uv\s+sync\b|^(?:poetry|pipenv|pdm|rye|pixi)\s+(?:install|sync)\b|^npm\s+(?:ci|install|i)\b"
    r"|^(?:yarn|pnpm|bun)(?:\s+install|\s*$|\s+--)|^(?:conda|mamba|micromamba)\s+(?:env\s+(?:create|update)|create|install)\b|^conda-lock\s+install\b"
    r"|^(?:go|cargo)\s+(?:build|test|run|mod\s+download|install|fetch|nextest|clippy)\b|^bundle\s+install\b|^composer\s+install\b|^hatch\s+env\b|^pixi\s+run\b"
)


def installs(words: tuple[str, ...]) -> str:
    """Return an unwrapped command as one text where it installs dependencies, "" elsewhere."""
    if not words:
        return ""
    text = " ".join((words[0].rpartition("/")[2], *words[1:]))
    return text if INSTALL.match(text) else ""


def builds_image(words: tuple[str, ...]) -> bool:
    """Tell whether an unwrapped command builds an image."""
    if not words:
        return False
    name = words[0].rpartition("/")[2]
    if name in ("docker", "podman", "nerdctl"):
        return "build" in words[1:4] or ("compose" in words[1:2] and bool({"build", "--build", "up"} & set(words)))
    if name == "docker-compose":
        return bool({"build", "--build", "up", "run"} & set(words))
    return name in ("buildah", "kaniko", "executor", "s2i", "skaffold", "img") or (
        name == "gcloud" and "builds" in words and "submit" in words
    )


SWALLOWED = Lazy(
    r"\s*(?:true|:|/bin/true|echo\b|printf\b|exit\s+0|return\s+0|continue)\b|\s*:(?:\s|$)|\s*[{(]?\s*echo\b"
)
RAISED = Lazy(r"\bexit\s+(?:[1-9$\"]|-1)|\bfalse\b|\breturn\s+[1-9$]")


def may_fail(commands: list[Simple], index: int, *, stops: bool, piped: bool, last: bool) -> bool:
    """Tell whether a command's failure ends the shell with a failure."""
    place = index
    while place < len(commands) - 1 and commands[place].joint == "&&":
        place += 1
    joint, after = commands[place].joint, commands[place].after
    if joint == "||":
        return bool(RAISED.search(after)) or not SWALLOWED.match(after)
    if joint == "&":
        return False
    if joint == "|" and not piped:
        return False
    if not stops:
        return bool(RAISED.search(after)) or (last and joint in ("", "|", "&&"))
    return True


def plain_run(text: str) -> str:
    """Return the commands of a RUN without its own options."""
    return re.sub(r"^(?:--\S+\s+)+", "", text)


def joined(folder: str, name: str) -> str:
    """Return a path below a folder, "." and ".." resolved within the repository."""
    parts: list[str] = []
    for part in f"{folder}/{name}".split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def same_file(path: str, used: str) -> bool:
    """Tell whether what a workflow uses is a file of the repository, or the folder that an action lies in."""
    plain = used.removeprefix("template:").partition("@")[0].removeprefix("./").lstrip("/")
    if not plain:
        return False
    return (
        path == plain
        or path.endswith("/" + plain)
        or (path.startswith(plain + "/") and path.count("/") == plain.count("/") + 1)
    )
