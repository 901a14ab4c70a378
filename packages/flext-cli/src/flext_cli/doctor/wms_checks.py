"""The WMS as the tap would meet it: address, certificate, user, permissions, clock, page size.

Asks through the tap's own client, so that what passes here passes in a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flext_cli.doctor.findings import Finding, remedy_in
from flext_tap_oracle_wms import settings as settings_of
from flext_tap_oracle_wms.errors import NotFoundError, SettingsError, TapError
from flext_tap_oracle_wms.settings import Settings
from flext_tap_oracle_wms.tap import FlextTapOracleWms

ABOUT = "WMS"
_SKEW_S = 60.0
_HINTED_SKEW_S = 5.0


def check(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at the settings, then ask the WMS."""
    try:
        config = settings_of.from_environment(environ)
        chosen = settings_of.parse(config)
    except SettingsError as error:
        for line in str(error).splitlines():
            yield Finding(ABOUT, "settings", "error", line, "correct it in .env")
        return
    yield Finding(ABOUT, "settings", "ok", "every setting of the tap is valid")
    yield from _ask(config, chosen)


def _ask(config: dict[str, Any], chosen: Settings) -> Iterator[Finding]:
    # An empty catalog: nothing is discovered before we ask.
    tap = FlextTapOracleWms(config={**config, "max_retries": 0}, catalog={"streams": []})
    try:
        try:
            listed = set(tap.client.list_entities())
        except NotFoundError as error:
            yield Finding(
                ABOUT, "reachable", "error", str(error),
                "check the path of base_url: it ends in …/wms/lgfapi/v10/",
            )  # fmt: skip
            return
        except TapError as error:
            yield Finding(ABOUT, "reachable", "error", str(error), remedy_in(str(error)))
            return
        yield Finding(ABOUT, "reachable", "ok", f"{chosen.base_url} lists {len(listed)} entities")
        yield from _clock(tap)
        for entity in chosen.entities:
            yield _entity(tap, chosen, entity, listed)
    finally:
        tap.client.close()


def _clock(tap: FlextTapOracleWms) -> Iterator[Finding]:
    try:
        server, ours = tap.client.server_now()
    except TapError as error:
        yield Finding(ABOUT, "clock", "error", str(error), "have the proxy pass the header Date on")
        return
    skew_s = (server - ours).total_seconds()
    text = f"the WMS's clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} ours"
    if abs(skew_s) > _SKEW_S:
        yield Finding(
            ABOUT, "clock", "error", f"{text}; incremental runs refuse more than {_SKEW_S:.0f} s",
            "set this machine's clock by NTP; if it is right, ask who runs the proxy or the WMS",
        )  # fmt: skip
    elif abs(skew_s) > _HINTED_SKEW_S:
        yield Finding(ABOUT, "clock", "warning", text, "set this machine's clock by NTP")
    else:
        yield Finding(ABOUT, "clock", "ok", text)


def _entity(tap: FlextTapOracleWms, chosen: Settings, entity: str, listed: set[str]) -> Finding:
    check = f"entity {entity}"
    try:
        fields = tap.client.describe(entity)
    except NotFoundError:
        known = "" if entity in listed else ", nor does it list it"
        return Finding(
            ABOUT, check, "error", f"the WMS does not describe it{known}",
            "correct the name in FLEXT_TAP_ORACLE_WMS_ENTITIES (`flext-tap-oracle-wms --discover`)",
        )  # fmt: skip
    except TapError as error:
        return Finding(ABOUT, check, "error", str(error), _permission(entity))
    params = {"page_size": str(chosen.page_size), "page_mode": chosen.page_mode}
    try:
        tap.client.list_page(entity, params)
    except NotFoundError:
        return Finding(
            ABOUT, check, "warning", "has no rows that this user sees",
            "if it should have some, have the user made eligible for facility and company",
        )  # fmt: skip
    except TapError as error:
        return Finding(
            ABOUT, check, "error", f"a page of {chosen.page_size} rows: {error}",
            f"{_permission(entity)}; if it is about time, lower page_size or raise request_timeout",
        )  # fmt: skip
    return Finding(
        ABOUT, check, "ok", f"{len(fields)} fields; a page of {chosen.page_size} rows arrives"
    )


def _permission(entity: str) -> str:
    return f"have the WMS administrator give the user lgfapi_read_access and the view of {entity}"
