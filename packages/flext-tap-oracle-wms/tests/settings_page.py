"""Renders docs/specs/tap-settings.md from the model; test_settings.py compares.

.venv/bin/python packages/flext-tap-oracle-wms/tests/settings_page.py > docs/specs/tap-settings.md
"""

from __future__ import annotations

import json
import sys
from typing import Any

from flext_tap_oracle_wms import settings

HEAD = """# The tap's settings

Made from the model in `settings.py`; a test compares. In the environment each is
`FLEXT_TAP_ORACLE_WMS_` and its name in capitals, where lists and mappings are JSON (a list may also
be words between commas); in a `--config` file it is the name itself. `meltano.yml` has the same.

| setting | type | default | meaning |
|---|---|---|---|
"""


def kind(definition: dict[str, Any]) -> str:
    """Say what values a setting takes."""
    if "enum" in definition:
        return " or ".join(definition["enum"])
    found = definition["type"]
    text = found if isinstance(found, str) else " or ".join(t for t in found if t != "null")
    bounds = [
        f"{word} {definition[key]}"
        for key, word in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"))
        if key in definition
    ]
    return " ".join([text, *bounds])


def row(name: str, definition: dict[str, Any], *, required: bool) -> str:
    """Return a setting's line."""
    default = "required" if required else json.dumps(definition.get("default"))
    shown = "none" if default == "null" else default if required else f"`{default}`"
    meaning = definition["description"].replace("|", "\\|")
    secret = " Secret." if definition.get("secret") else ""
    return f"| `{name}` | {kind(definition)} | {shown} | {meaning}{secret} |\n"


def page() -> str:
    """Return the whole page."""
    schema = settings.json_schema()
    rows = [
        row(name, definition, required=name in schema["required"])
        for name, definition in schema["properties"].items()
    ]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
