"""Every setting, read from ``ONBOARDING_*`` variables and from a ``.env`` file."""

from __future__ import annotations

import getpass
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from onboarding.core.policy import CODE_VALIDITY, Policy
from onboarding.core.quiet_hours import QuietHours, parse_quiet_hours
from onboarding.errors import ConfigurationError, InputError
from onboarding.model import ApprovalKind
from onboarding.notify.configuration import Configuration
from onboarding.notify.configuration import load as load_notifications
from onboarding.store.database import sqlite_path

Seconds = Annotated[float, Field(gt=0)]


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


class Settings(BaseSettings):
    """How this deployment is set up; every field can be given as ``ONBOARDING_<NAME>``."""

    model_config = SettingsConfigDict(
        env_prefix="ONBOARDING_", env_file=".env", extra="ignore", frozen=True
    )

    database_url: str = Field(
        "sqlite:///onboarding.db", description="where the machines live; SQLite or PostgreSQL"
    )
    busy_timeout_seconds: Seconds = Field(
        30, description="how long SQLite waits for another process that writes"
    )
    secret_key: SecretStr | None = Field(
        None, description="the key that tokens, PINs and codes are encrypted with (Fernet)"
    )
    secret_key_file: Path | None = Field(
        None, description="a file with that key; default: beside the SQLite database, .key"
    )
    graph_base_url: str = Field("https://graph.facebook.com", description="where Graph answers")
    graph_version: str = Field(
        "v25.0", pattern=r"^v[0-9]+\.[0-9]+$", description="version of the Graph API"
    )
    app_id: str | None = Field(
        None, description="id of your Meta app; lets the subscription be checked without a write"
    )
    app_secret: SecretStr | None = Field(
        None, description="secret of your Meta app; adds an appsecret_proof to every call"
    )
    token_sources: str = Field(
        "env,file,keyring,command",
        description="places that tokens are read from on this host, separated by commas",
    )
    graph_proxy: str | None = Field(
        None, description="an HTTP proxy on the way to Graph, like http://proxy.example:3128"
    )
    graph_ca_file: Path | None = Field(
        None, description="certificates to trust instead of the usual ones, as a PEM file"
    )
    follow_clock: str | None = Field(
        None, description="a simulator's control URL: business time is that of its clock"
    )
    max_in_flight: int = Field(256, ge=1, le=4096, description="Graph calls at once per worker")
    batch_size: int = Field(200, ge=1, le=1000, description="machines claimed at once")
    connect_timeout_seconds: Seconds = Field(10, description="until a connection stands")
    call_timeout_seconds: Seconds = Field(30, description="one call in all")
    send_within_seconds: Seconds = Field(25, description="from the intent to the send, at most")
    settle_seconds: Seconds = Field(
        120, description="silence is looked into after this; above send_within + call_timeout"
    )
    lease_seconds: Seconds = Field(90, description="a claimed machine belongs to its worker")
    poll_seconds: Seconds = Field(1, description="how often a worker looks for what is due")
    seal_interval_minutes: Annotated[float, Field(ge=1, le=1440)] = Field(
        10, description="how often a worker seals the histories that grew"
    )
    policy_days: float = Field(
        14, gt=0, description="what you promise for numbers that have no window at Meta"
    )
    list_interval_seconds: Seconds = Field(60, description="least time between reads of one list")
    waba_calls_per_hour: int = Field(200, ge=1, description="Meta's budget of a new WABA")
    active_waba_calls_per_hour: int = Field(5000, ge=1, description="of one with a number on it")
    app_calls_per_hour: int = Field(20000, ge=1, description="own bound for all WABAs together")
    numbers_per_business: int | None = Field(
        None,
        ge=0,
        description="numbers of a portfolio of which Meta told no bound; 0: no bound; default: by "
        "Meta's rule, 2, and 20 where a read of the WABA shows a verified business or a messaging "
        "limit of 2,000",
    )
    numbers_per_waba: int = Field(
        25, ge=0, description="numbers of a WABA of which Meta told no bound; 0: no bound"
    )
    code_fallback_minutes: float = Field(
        10, ge=0, description="without a code by SMS for so long, the next goes by voice; 0: never"
    )
    quiet_hours: str = Field(
        "21:00-08:00", description="no code is sent then, by the number's own clock; none: always"
    )
    link_base_url: str | None = Field(
        None, description="where the page is that takes codes by link; a token goes at its end"
    )
    code_intakes: str = Field(
        "", description="intakes of installed packages to load, by name, separated by commas"
    )
    hosted_numbers: str = Field(
        "",
        description="numbers whose texts a gateway or a mailbox hands in, like +4930*,+1631*",
    )
    hosted_take_calls: bool = Field(
        default=False,
        description="whether calls to them are transcribed and handed in, too",
    )
    twilio_auth_token: SecretStr | None = Field(
        None, description="auth token of Twilio, which signs the webhooks of its messages"
    )
    vonage_signature_secret: SecretStr | None = Field(
        None, description="signature secret of Vonage, which signs the webhooks of its messages"
    )
    mailbox_host: str | None = Field(
        None, description="IMAP server of a mailbox that SMS or voicemails arrive in"
    )
    mailbox_port: int = Field(993, ge=1, le=65535, description="its port, with TLS from the start")
    mailbox_user: str | None = Field(None, description="who logs in there")
    mailbox_password: SecretStr | None = Field(None, description="with what password")
    mailbox_password_file: Path | None = Field(
        None, description="a file with that password, if it is not given itself"
    )
    mailbox_folder: str = Field("INBOX", description="the folder that is read")
    mailbox_ca_file: Path | None = Field(
        None, description="certificates to trust there instead of the usual ones, as a PEM file"
    )
    notify_file: Path | None = Field(
        None, description="a TOML file that says who is told what; default: the log is"
    )
    event_days: Annotated[float, Field(ge=1)] = Field(
        30, description="events, and messages about them, are kept so long"
    )
    approvals: str = Field(
        "",
        description="what a second person must approve: offboard, display_name (its third "
        "resubmission), separated by commas",
    )
    actor: str | None = Field(None, description="who acts; default: the user of this system")

    @field_validator("approvals")
    @classmethod
    def _check_approvals(cls, text: str) -> str:
        unknown = [word for word in _words(text) if word not in tuple(ApprovalKind)]
        if unknown:
            raise ValueError(f"'{unknown[0]}' is none of {', '.join(ApprovalKind)}")
        return text

    def to_approve(self) -> frozenset[ApprovalKind]:
        """Return what only a second person may set going."""
        return frozenset(map(ApprovalKind, _words(self.approvals)))

    def policy(self) -> Policy:
        """Return the waiting times and limits that follow from the settings.

        Raises:
            ConfigurationError: they contradict each other.
        """
        if self.settle_seconds <= self.send_within_seconds + self.call_timeout_seconds:
            raise ConfigurationError(
                "ONBOARDING_SETTLE_SECONDS must be longer than SEND_WITHIN plus CALL_TIMEOUT",
                hint="otherwise a call could still arrive after it counts as lost",
            )
        return Policy(
            lease=timedelta(seconds=self.lease_seconds),
            send_within=timedelta(seconds=self.send_within_seconds),
            call_timeout=timedelta(seconds=self.call_timeout_seconds),
            settle=timedelta(seconds=self.settle_seconds),
            policy_window=timedelta(days=self.policy_days),
            list_interval=timedelta(seconds=self.list_interval_seconds),
            waba_calls_per_hour=self.waba_calls_per_hour,
            active_waba_calls_per_hour=self.active_waba_calls_per_hour,
            app_calls_per_hour=self.app_calls_per_hour,
            numbers_per_business=self.numbers_per_business,
            numbers_per_waba=self.numbers_per_waba,
            ladder=self.notifications().rules.ladder,
            code_fallback=self._code_fallback(),
            quiet_hours=self._quiet_hours(),
        )

    def _code_fallback(self) -> timedelta | None:
        if self.code_fallback_minutes == 0:
            return None
        after = timedelta(minutes=self.code_fallback_minutes)
        if after < CODE_VALIDITY:
            raise ConfigurationError(
                "ONBOARDING_CODE_FALLBACK_MINUTES is below 10, the minutes that a code is valid",
                hint="give 10 or more; 0 switches the fallback to voice off",
            )
        return after

    def _quiet_hours(self) -> QuietHours | None:
        try:
            return parse_quiet_hours(self.quiet_hours)
        except InputError as error:
            raise ConfigurationError(f"ONBOARDING_QUIET_HOURS: {error}", hint=error.hint) from None

    def notifications(self) -> Configuration:
        """Return who is told what.

        Raises:
            ConfigurationError: the file cannot be read, or says something that cannot be.
        """
        return load_notifications(self.notify_file)

    def token_kinds(self) -> tuple[str, ...]:
        """Return the kinds of places that tokens are read from."""
        return tuple(kind.strip() for kind in self.token_sources.split(",") if kind.strip())

    def key_file(self) -> Path | None:
        """Return where the key file is, or would be made; ``None`` without a SQLite file."""
        if self.secret_key_file is not None:
            return self.secret_key_file
        path = sqlite_path(self.database_url)
        return path.with_name(path.name + ".key") if path else None

    def who(self) -> str:
        """Return who acts: the setting, or the user of this system."""
        if self.actor:
            return self.actor
        try:
            return getpass.getuser()
        except (KeyError, OSError):  # a container without a user table
            return f"uid {os.getuid()}"


def load_settings(**given: Any) -> Settings:
    """Return the settings; what is given here wins over variables and file.

    Raises:
        ConfigurationError: a value cannot be used; the message names its variable.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(
            f"ONBOARDING_{name}: {first['msg']}", hint="see docs/reference/settings.md"
        ) from None
