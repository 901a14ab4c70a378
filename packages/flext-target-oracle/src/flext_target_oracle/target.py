"""The Singer side: the SDK's Target as a shell around our own loop (docs/decisions/0002).

What the SDK does here: the command line, `--about`, configuration files and environment. What it
does not: read messages, hold records, write SQL.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import IO, Any, ClassVar

import click
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities
from singer_sdk.singerlib.encoding import GenericSingerReader
from singer_sdk.target_base import Target

from flext_observability import configure, redaction, run_id_from_env
from flext_target_oracle import lines, output, settings
from flext_target_oracle.errors import InputError, SettingsError, TargetError
from flext_target_oracle.interruption import Interruption
from flext_target_oracle.run import COMPONENT, Run

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
#: How often open batches are looked at while no input comes.
TICK_S = 1.0


class _Loop(GenericSingerReader[bytes]):
    """Where the SDK hands the input over, the whole loop is ours."""

    default_input = property(lambda _self: sys.stdin.buffer)

    def __init__(self, consume: Callable[[IO[Any]], Counter[str]]) -> None:
        super().__init__()
        self._consume = consume

    def process_lines(
        self, file_input: IO[bytes] | None, callbacks: dict[str, Callable[[dict[str, Any]], None]]
    ) -> Counter[str]:
        """Read all messages; the SDK's per-message callbacks are not used."""
        del callbacks
        if file_input is None and sys.stdin is None:
            raise InputError("standard input is closed: pipe a tap's output in, or name --input")
        return self._consume(file_input or self.default_input)

    def deserialize_json(self, line: bytes) -> dict[str, Any]:
        """Never called: lines are decoded by `messages`."""
        raise NotImplementedError


class TargetOracle(Target):
    """Singer target for Oracle Database: staged, set-wise, exactly once in effect."""

    name = COMPONENT
    package_name = COMPONENT
    config_jsonschema: ClassVar[dict[str, Any]] = settings.singer_schema()
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
        PluginCapabilities.ACTIVATE_VERSION,
    ]

    def __init__(self, **arguments: Any) -> None:
        """Take the SDK's arguments: config, parse_env_config, validate_config."""
        self._settings: settings.Settings | None = None
        self._run: Run | None = None
        self._interruption = Interruption()
        arguments["setup_mapper"] = False
        super().__init__(**arguments, message_reader=_Loop(self._consume))

    @classmethod
    def invoke(  # type: ignore[override]  # the SDK narrows its own base's arguments, too
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,
        file_input: IO[str] | None = None,
    ) -> None:
        """Log as a configuration file says (the environment was heard before), then run."""
        level = str((config.config if config else {}).get("log_level", "")).upper()
        if level in LEVELS:  # else the settings model says what is wrong with it
            configure(COMPONENT, level=level, run_id=run_id_from_env(os.environ))
        super().invoke(about=about, about_format=about_format, config=config, file_input=file_input)

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read the files of `--config`.

        Raises:
            SettingsError: one is not there or is no JSON object.
        """
        remedy = "give the path of a JSON object of settings, or ENV to read the environment"
        try:
            return super().cb_config(ctx, param, value)
        except OSError as error:
            raise SettingsError(f"--config: {error}; {remedy}") from None
        except (ValueError, TypeError) as error:
            files = ", ".join(path for path in value if path != "ENV")
            raise SettingsError(f"--config {files}: {error}; {remedy}") from None

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add nothing: every setting stands in `settings`."""

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805 -- the SDK's classproperty passes the class
        """The settings that the environment names, as texts: the settings model parses them."""
        names = cls.config_jsonschema["properties"]
        texts = {"properties": {name: {"type": "string"} for name in names}}
        return parse_environment_config(texts, settings.ENV_PREFIX)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the configuration by the settings model instead of the JSON schema.

        Raises:
            SettingsError: it is wrong and `raise_errors`.
        """
        try:
            self._settings = settings.load(self.config)
        except TargetError as error:
            if raise_errors:
                raise
            return [str(error)]
        for secret in (self._settings.password, self._settings.wallet_password):
            if secret is not None:
                redaction.register(secret.get_secret_value())
        return []

    def _consume(self, source: IO[Any]) -> Counter[str]:
        """Take all messages of the input; `process_endofpipe` makes the last of them durable."""
        if self._settings is None:
            raise TargetError("the configuration was not valid")
        run = Run(self._settings, output.write_state, self._interruption)
        try:
            for chunk in lines.chunks(source, tick_s=TICK_S, waiting=self._interruption.waiting):
                run.take(chunk)
        except BaseException as error:
            run.abandon(error, exit_code=_exit_code(error))
            raise
        self._run = run
        return run.counts

    def process_endofpipe(self) -> None:
        """Load what is open and end the run."""
        run, self._run = self._run, None
        if run is None:
            return
        try:
            run.finish()
        except BaseException as error:
            run.abandon(error, exit_code=_exit_code(error))
            raise

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Stop at the next wait; a second signal ends the process at once."""
        del frame
        signal.signal(signum, signal.SIG_DFL)
        self._interruption.request(signum)


def _exit_code(error: BaseException) -> int:
    return error.exit_code if isinstance(error, TargetError) else 1
