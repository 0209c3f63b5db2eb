"""Read the environment once, into frozen, typed settings; nothing else in the project looks at it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

Registration = Literal["open", "invite", "closed"]
Resource = Literal["templates", "static", "rubrics", "migrations"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PUBLIC_FORGES = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "huggingface.co", "git.sr.ht")


class SettingsError(ValueError):
    """Say which setting cannot be used and what it should look like."""


def resource_dir(name: Resource) -> Path:
    """Return the folder of a resource, in a checkout or inside an installed wheel."""
    package = Path(__file__).resolve().parent
    installed = package / "_resources" / name
    return installed if installed.is_dir() else package.parent / name


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Hold every setting of the service. docs/operations.md names the environment variable of each."""

    host: str = "127.0.0.1"
    port: int = 5000
    data_dir: Path
    database_url: str
    jobs_database_url: str
    base_url: str
    secret_key: str = field(repr=False)
    password_salt: str = field(repr=False)
    registration: Registration = "open"
    demo: bool = False
    mail_server: str | None = None
    mail_port: int = 587
    mail_username: str | None = None
    mail_password: str | None = field(default=None, repr=False)
    mail_sender: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    proxies: int = 0
    git_hosts: tuple[str, ...] = PUBLIC_FORGES
    ratelimit_storage: str = "memory://"
    source_folder: Path | None = None
    candidate_days: int = 180
    log_level: str = "INFO"
    testing: bool = False

    @property
    def https(self) -> bool:
        """Tell whether browsers reach the service over TLS."""
        return self.base_url.startswith("https://")

    @property
    def embedded(self) -> bool:
        """Tell whether the database is the SQLite file in the data folder."""
        return self.database_url.startswith("sqlite")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Build the settings from environment variables; keys are made once and kept in the data folder.

        Raises SettingsError naming the variable, its value and what is allowed.
        """
        read = _Reader(os.environ if environ is None else environ)
        home = Path(read.text("XDG_DATA_HOME", "~/.local/share")) / "assessor"
        data_dir = Path(read.text("ASSESSOR_DATA_DIR", str(home))).expanduser().resolve()
        host = read.text("HOST", "127.0.0.1")
        port = read.integer("PORT", 5000, low=1, high=65535)
        database_url = _driver(read.text("ASSESSOR_DATABASE_URL", f"sqlite:///{data_dir / 'assessor.db'}"))
        base_url = read.text("BASE_URL", f"http://{host}:{port}").rstrip("/")
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise SettingsError(
                f"BASE_URL is {base_url!r}; write the address browsers use, such as https://assessor.example"
            )
        folder = read.text("ASSESSOR_SOURCE_FOLDER", "")
        return cls(
            host=host,
            port=port,
            data_dir=data_dir,
            database_url=database_url,
            jobs_database_url=_driver(read.text("ASSESSOR_JOBS_DATABASE_URL", _jobs_url(database_url, data_dir))),
            base_url=base_url,
            secret_key=read.text("ASSESSOR_SECRET_KEY", "") or _kept_key(data_dir, "secret_key"),
            password_salt=read.text("ASSESSOR_PASSWORD_SALT", "") or _kept_key(data_dir, "password_salt"),
            registration=read.choice("ASSESSOR_REGISTRATION", "open", get_args(Registration)),  # type: ignore[arg-type]
            demo=read.flag("ASSESSOR_DEMO", host in LOOPBACK),
            mail_server=read.text("ASSESSOR_MAIL_SERVER", "") or None,
            mail_port=read.integer("ASSESSOR_MAIL_PORT", 587, low=1, high=65535),
            mail_username=read.text("ASSESSOR_MAIL_USERNAME", "") or None,
            mail_password=read.text("ASSESSOR_MAIL_PASSWORD", "") or None,
            mail_sender=read.text("ASSESSOR_MAIL_SENDER", "") or None,
            trusted_hosts=read.words("ASSESSOR_TRUSTED_HOSTS", ()),
            proxies=read.integer("ASSESSOR_PROXIES", 0, low=0, high=9),
            git_hosts=read.words("ASSESSOR_GIT_HOSTS", PUBLIC_FORGES),
            ratelimit_storage=read.text("ASSESSOR_RATELIMIT_STORAGE", "memory://"),
            source_folder=Path(folder).expanduser().resolve() if folder else None,
            candidate_days=read.integer("ASSESSOR_CANDIDATE_DAYS", 180, low=1, high=3650),
            log_level=read.choice("ASSESSOR_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        )

    @classmethod
    def for_tests(cls, folder: Path, **changes: object) -> Settings:
        """Build settings whose files all lie in `folder`, with fixed keys; `changes` override single fields."""
        database_url = f"sqlite:///{folder / 'assessor.db'}"
        settings = cls(
            data_dir=folder,
            database_url=database_url,
            jobs_database_url=_jobs_url(database_url, folder),
            base_url="http://127.0.0.1:5000",
            secret_key="key-for-tests",  # noqa: S106 - not a secret: no service runs with it
            password_salt="salt-for-tests",  # noqa: S106
            testing=True,
        )
        return replace(settings, **changes)  # type: ignore[arg-type]


def _driver(url: str) -> str:
    """Name the PostgreSQL driver that is installed, whatever short form the operator wrote."""
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url.removeprefix(short)
    return url


def _jobs_url(database_url: str, data_dir: Path) -> str:
    # DBOS keeps its own file when embedded, so that its writes never wait for ours.
    return f"sqlite:///{data_dir / 'jobs.db'}" if database_url.startswith("sqlite") else database_url


def _kept_key(data_dir: Path, name: str) -> str:
    """Return the key of this installation, made with mode 0600 the first time it is asked for."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = data_dir / name
    draft = path.with_name(f"{name}.{os.getpid()}")
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # whoever links first wins, so that web and worker agree on one key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "").strip() or default

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        text = self.text(name, str(default))
        if not text.isdecimal() or not low <= int(text) <= high:
            raise SettingsError(f"{name} is {text!r}; write a whole number from {low} to {high}")
        return int(text)

    def flag(self, name: str, default: bool) -> bool:
        return self.choice(name, "1" if default else "0", ("0", "1")) == "1"

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        text = self.text(name, default)
        if text not in allowed:
            raise SettingsError(f"{name} is {text!r}; write one of {', '.join(allowed)}")
        return text

    def words(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.text(name, ",".join(default)).replace(",", " ").split())
