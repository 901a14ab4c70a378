"""The SDK's Tap as a shell: command line, configuration, catalog, state; and the run's means.

The only module besides `streams` that knows the SDK. What it overrides and why is in
docs/decisions/0001-singer-sdk-as-a-shell.md.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.tap_base import Tap

from flext_observability import (
    bound,
    emit,
    emit_metrics,
    metrics,
    run_id_from_env,
    runs,
    set_process_context,
)
from flext_tap_oracle_wms import cache, discovery, inputs, parallel, settings
from flext_tap_oracle_wms.auth import BasicAuth, Client, OAuth2
from flext_tap_oracle_wms.bookmarks import State
from flext_tap_oracle_wms.budget import Budget
from flext_tap_oracle_wms.client import WmsClient
from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.emit import Output, Terminated
from flext_tap_oracle_wms.errors import (
    EligibilityError,
    EntityError,
    SettingsError,
    StateError,
    SyncFailedError,
    TapError,
)
from flext_tap_oracle_wms.events import EligibilityUnwatched, EntitySkipped, StreamFailed
from flext_tap_oracle_wms.retry import Policy
from flext_tap_oracle_wms.streams import WmsStream, flattening_of
from flext_tap_oracle_wms.sync import eligibility
from flext_tap_oracle_wms.transport import pool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    import click
    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.singerlib import Catalog

    from flext_tap_oracle_wms.auth import Authenticator
    from flext_tap_oracle_wms.emit import Files
    from flext_tap_oracle_wms.spool import Spool
    from flext_tap_oracle_wms.transport import Transport

NAME = "flext-tap-oracle-wms"


class FlextTapOracleWms(Tap):
    """Singer tap for the Oracle Warehouse Management Cloud REST API."""

    name = NAME
    package_name = NAME
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = settings.json_schema()
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
    #: Tests put another in before they make a tap.
    clock: ClassVar[Clock] = Clock()

    settings: settings.Settings

    # Configuration

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805 -- a property of the class
        return settings.from_environment(os.environ)

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
        """Add nothing: the model names every setting, the SDK's own included."""

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        try:
            self.settings = settings.parse(self._config)
        except SettingsError as error:
            if raise_errors:
                raise
            return str(error).splitlines()
        return []

    # The run's means

    @cached_property
    def output(self) -> Output:
        """The only writer to stdout."""
        return Output()

    @cached_property
    def run_id(self) -> str:
        """The run's id: the environment's, or one made here."""
        return run_id_from_env(os.environ) or str(uuid.uuid4())

    @cached_property
    def client(self) -> WmsClient:
        """The one client of this tap."""
        chosen = self.settings
        connections = pool(
            ca_file=chosen.ca_file,
            connect_timeout_s=chosen.connect_timeout,
            read_timeout_s=chosen.request_timeout,
            connections=chosen.max_concurrency,
            clock=self.clock.monotonic_s,
        )
        return WmsClient(
            chosen.base_url,
            transport=connections,
            auth=_authenticator(chosen, connections, self.clock),
            policy=Policy(max_retries=chosen.max_retries),
            clock=self.clock,
            budget=Budget(
                chosen.max_concurrency,
                self.clock,
                requests_per_second=chosen.requests_per_second,
            ),
        )

    @cached_property
    def _describe_cache(self) -> cache.DescribeCache:
        chosen = self.settings
        return cache.DescribeCache(
            cache.workspace(os.environ),
            chosen.base_url,
            chosen.username,
            age_s=chosen.discovery_cache_age_s,
            clock=self.clock,
        )

    def files_of(self, stream: str) -> Files | None:
        """Return the files that a stream's records go into; None where they are messages."""
        if self._spool is None:
            return None
        self.wms_state.hold(stream)
        return self._spool.stream(stream)

    @cached_property
    def _spool(self) -> Spool | None:
        if self.settings.hand_over == "records":
            return None
        from flext_tap_oracle_wms import spool  # here, since it loads pyarrow

        scope = spool.scope_of(os.environ)
        return spool.Spool(cache.workspace(os.environ), scope, self.run_id, clock=self.clock)

    # Discovery

    def discover_streams(self) -> Sequence[WmsStream]:
        """Return the catalog's streams, or those of the entities that the settings choose."""
        if self.input_catalog is not None:
            return self._catalogued()
        names = discovery.choose(self.client.list_entities(), self.settings)
        discovery.warn_of_duplicates(names)
        found = self._describe(names)
        streams = []
        for name in names:
            failure = found.failures.get(name)
            if failure is not None and name not in self.settings.entities:
                emit(EntitySkipped(name, str(failure)))
                continue
            fields = found.fields.get(name, ())
            streams.append(WmsStream(self, self, name, fields=fields, failure=failure))
        return streams

    @cached_property
    def _singer_catalog(self) -> Catalog:
        """The catalog of all streams; the SDK makes it anew at each look, which takes its time."""
        return super()._singer_catalog

    def _catalogued(self) -> list[WmsStream]:
        entries = self.input_catalog.streams if self.input_catalog is not None else []
        names = [entry.tap_stream_id for entry in entries if entry.metadata.resolve_selection()[()]]
        found = self._describe(names)
        return [
            WmsStream(
                self,
                self,
                entry.tap_stream_id,
                fields=found.fields.get(entry.tap_stream_id, ()),
                catalog_schema=entry.schema.to_dict(),
                failure=found.failures.get(entry.tap_stream_id),
            )
            for entry in entries
        ]

    def _describe(self, names: list[str]) -> discovery.Discovered:
        workers = self.settings.max_concurrency
        return discovery.describe(
            self.client,
            names,
            self._describe_cache,
            workers=workers,
            flattening=flattening_of(self.settings),
        )

    def run_discovery(self) -> str:
        """Write the catalog to stdout.

        Raises:
            EntityError: an entity that was asked for by name cannot be described.
        """
        for stream in self.streams.values():
            if isinstance(stream, WmsStream) and stream.failure is not None:
                raise EntityError(f"entities: {stream.name}: {stream.failure}")
        return super().run_discovery()

    # State

    def load_state(self, state: dict[str, Any]) -> None:
        """Take the state as it was given, keys that the tap does not know included."""
        self.wms_state = State(state)
        super().load_state(self.wms_state.value())

    # Running

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        del frame
        self.output.terminate(signum)

    def sync_all(self) -> None:  # type: ignore[misc]  # @final in the SDK: see the module's docstring
        """Read every selected stream; one that fails does not stop the others.

        Raises:
            SyncFailedError: at least one stream failed; the text is the table of them.
        """
        if self.wms_state.value():
            self.output.state(self.wms_state)
        selected = [
            stream
            for stream in self.streams.values()
            if stream.selected and isinstance(stream, WmsStream)
        ]
        unready = self._watch_eligibility(selected)
        failures: dict[str, str] = {}
        found = parallel.read(
            selected,
            lambda stream: self._sync_one(stream, unready),
            workers=self.settings.max_concurrency,
        )
        try:
            with contextlib.closing(found):
                for _, failure in found:
                    failures |= failure or {}
        except Terminated:
            self.output.finish()
            raise
        finally:
            if self._spool is not None:
                self._spool.close()
        emit_metrics()
        if failures:
            raise SyncFailedError(_failure_table(failures, len(selected)))

    def _watch_eligibility(self, selected: list[WmsStream]) -> TapError | None:
        """See whether the user sees more than before; return what that does to incremental runs."""
        if self.settings.sync_mode != "incremental" or all(stream.is_full for stream in selected):
            return None
        try:
            eligibility.watch(self.client, self.wms_state, self.settings, self.clock)
        except (EligibilityError, StateError) as error:
            return error
        except TapError as error:
            # Nothing is lost by it: growth is seen by the next run that can look.
            emit(EligibilityUnwatched(", ".join(eligibility.ENTITIES), str(error)))
        return None

    def _sync_one(self, stream: WmsStream, unready: TapError | None) -> Iterator[dict[str, str]]:
        """Read a stream; yield its failure, by its name, where there is one."""
        started_s = self.clock.monotonic_s()
        with bound(stream=stream.name):
            try:
                if unready is not None and not stream.is_full:
                    raise unready
                stream.sync()
            except TapError as error:
                seconds = self.clock.monotonic_s() - started_s
                emit(StreamFailed(stream.name, str(error), round(seconds, 3)))
                yield {stream.name: str(error)}

    @classmethod
    def invoke(cls, **options: Any) -> None:
        """Run a sync from the command line and leave its run record."""
        if options.get("about"):
            super().invoke(**options)
            return
        root = cache.workspace(os.environ)
        run_id = run_id_from_env(os.environ) or str(uuid.uuid4())
        os.environ.setdefault("MELTANO_RUN_ID", run_id)
        set_process_context(run_id=run_id)
        runs.start(root, run_id, NAME)
        exit_code = 1
        try:
            # Checked before the SDK stumbles over them, which reads them again.
            for name, checked in (("state", inputs.state), ("catalog", inputs.catalog)):
                if options.get(name) is not None:
                    options[name] = io.StringIO(json.dumps(checked(options[name])))
            super().invoke(**options)
            exit_code = 0
        finally:
            runs.finish(root, run_id, NAME, exit_code=exit_code, streams=metrics.snapshot())


def _authenticator(
    chosen: settings.Settings, connections: Transport, clock: Clock
) -> Authenticator:
    password = chosen.password.get_secret_value()
    if chosen.auth == "basic":
        return BasicAuth(chosen.username, password)
    form: dict[str, str] = {"grant_type": chosen.oauth_grant}
    if chosen.oauth_grant == "password":
        form |= {"username": chosen.username, "password": password}
    if chosen.oauth_scope:
        form["scope"] = chosen.oauth_scope
    secret = chosen.oauth_client_secret
    client = Client(
        url=chosen.oauth_token_url or "",
        client_id=chosen.oauth_client_id or "",
        client_secret="" if secret is None else secret.get_secret_value(),
        form=form,
    )
    return OAuth2(client, connections.post_form, clock.monotonic_s)


def _failure_table(failures: dict[str, str], total: int) -> str:
    width = max(len(name) for name in failures)
    lines = [f"{len(failures)} of {total} streams failed; their bookmarks stay where they were:"]
    lines += [f"  {name:<{width}}  {reason}" for name, reason in sorted(failures.items())]
    return "\n".join(lines)
