"""The pages made from what they describe: commands, settings, events, meltano.yml.

`python tests/docs/reference_pages.py` writes them, with `--check` it says which lag behind and ends
with exit code 1. A new command, option or setting needs no change here.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import BaseModel

from flext_observability import catalogue

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
#: The tap's page is docs/specs/tap-settings.md, which the tap's own tests compare.
SETTINGS_ELSEWHERE = {"flext_tap_oracle_wms"}
MADE = "Made from {}; `make docs` renews this page, a test compares it.\n"


def plain(text: object) -> str:
    """Return a text on one line; outside code, what looks like a tag is none."""
    parts = re.split(r"(`[^`]*`)", " ".join(str(text).split()))
    return "".join(p if p.startswith("`") else p.replace("<", "&lt;") for p in parts)


def cell(text: object) -> str:
    """Return a text as a cell of a table."""
    return plain(text).replace("|", "\\|")


def table(headings: list[str], rows: list[list[object]]) -> str:
    """Return a table, or nothing where it has no rows."""
    if not rows:
        return ""
    lines = [f"| {' | '.join(map(cell, line))} |\n" for line in [headings, *rows]]
    return "".join([lines[0], "|---" * len(headings) + "|\n", *lines[1:]]) + "\n"


def prose(text: str | None) -> str:
    """Return a help text as paragraphs."""
    paragraphs = (text or "").replace("\b", "").strip().split("\n\n")
    return "".join(plain(each) + "\n\n" for each in paragraphs if each.strip())


# --- commands made with click


def bounds(limited: click.IntRange | click.FloatRange) -> str:
    """Say which numbers an option takes."""
    ends = [("from", limited.min), ("to", limited.max)]
    words = [f"{word} {end}" for word, end in ends if end is not None]
    return " ".join([limited.name.removesuffix(" range"), *words])


def option_row(param: click.Option, context: click.Context) -> list[object]:
    """Return an option's line: how it is written, what it takes, its default, its meaning."""
    names = ", ".join(f"`{name}`" for name in [*param.opts, *param.secondary_opts])
    if param.is_flag:
        takes = "–"
    elif isinstance(param.type, click.Choice):
        takes = " or ".join(f"`{each}`" for each in param.type.choices)
    elif isinstance(param.type, click.IntRange | click.FloatRange):
        takes = bounds(param.type)
    else:
        takes = f"`{param.make_metavar(context)}`"
    default = param.to_info_dict()["default"]
    if param.is_flag and param.secondary_opts:
        shown = f"`{param.opts[0] if default is True else param.secondary_opts[0]}`"
    elif param.is_flag or default is None or default == () or "Sentinel" in type(default).__name__:
        shown = "required" if param.required else "–"
    else:
        shown = f"`{default}`"
    return [names, takes, shown, (param.help or "–") + (" Repeatable." if param.multiple else "")]


def click_sections(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    """Yield a section for the command and one for each command below it."""
    yield f"{'#' * level} `{context.command_path}`\n\n{prose(command.help)}"
    if not isinstance(command, click.Group):
        pieces = " ".join(command.collect_usage_pieces(context))
        yield f"Usage: `{context.command_path} {pieces}`\n\n"
    options = [
        option_row(param, context)
        for param in command.params
        if isinstance(param, click.Option) and not param.hidden and "--help" not in param.opts
    ]
    yield table(["option", "takes", "default", "meaning"], options)
    if command.epilog:
        yield example(command.epilog)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                with click.Context(below, info_name=name, parent=context) as inner:
                    yield from click_sections(below, inner, level + 1)


def example(epilog: str) -> str:
    """Return the epilog `Example: …` as a block that can be copied, anything else as prose."""
    text = " ".join(epilog.split())
    word, _, command = text.partition(": ")
    return f"```console\n{command}\n```\n\n" if word == "Example" else f"{text}\n\n"


def click_page(command: click.Command, name: str, level: int = 2) -> str:
    """Return the sections of a command and all below it."""
    with click.Context(command, info_name=name) as context:
        return "".join(click_sections(command, context, level))


# --- commands made with argparse


def argparse_page(parser: argparse.ArgumentParser, level: int = 2) -> str:
    """Return the sections of a parser and of its subparsers."""
    rows: list[list[object]] = []
    below: list[argparse.ArgumentParser] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            below = list(action.choices.values())
        elif not isinstance(action, argparse._HelpAction):
            names = ", ".join(f"`{name}`" for name in action.option_strings) or f"`{action.dest}`"
            takes = "–" if action.nargs == 0 else f"`{action.metavar or action.dest.upper()}`"
            if action.choices is not None:
                takes = " or ".join(f"`{each}`" for each in action.choices)
            rows.append([names, takes, default_of(action), action.help or "–"])
    text = f"{'#' * level} `{parser.prog}`\n\n{prose(parser.description)}"
    text += table(["option", "takes", "default", "meaning"], rows) + prose(parser.epilog)
    return text + "".join(argparse_page(each, level + 1) for each in below)


def default_of(action: argparse.Action) -> str:
    """Return an option's default, where it has one."""
    if action.required:
        return "required"
    if action.nargs == 0 or action.default in (None, []):
        return "–"
    shown = action.default if isinstance(action.default, list) else [action.default]
    return f"`{' '.join(map(str, shown))}`"


# --- settings models


def kind(definition: dict[str, Any], everything: dict[str, Any]) -> str:
    """Say what values a setting takes."""
    if "$ref" in definition:
        return kind(everything["$defs"][definition["$ref"].rpartition("/")[2]], everything)
    if "anyOf" in definition:
        kinds = [kind(each, everything) for each in definition["anyOf"]]
        return " or ".join(each for each in kinds if each != "null")
    if "enum" in definition or "const" in definition:
        return " or ".join(
            f"`{each}`" for each in definition.get("enum", [definition.get("const")])
        )
    bounds = [
        f"{word} {definition[key]}"
        for key, word in (
            ("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"),
            ("exclusiveMaximum", "below"),
        )
        if key in definition
    ]  # fmt: skip
    return " ".join([definition.get("type", "any"), *bounds])


def settings_page(model: type[BaseModel], prefix: str, package: str) -> str:
    """Return the page of a package's settings."""
    schema = model.model_json_schema(by_alias=True)
    rows: list[list[object]] = []
    for name, definition in schema["properties"].items():
        if name in schema.get("required", []):
            default = "required"
        else:
            plain = definition.get("default")
            default = "none" if plain is None else f"`{json.dumps(plain)}`"
        secret = " Secret." if '"format": "password"' in json.dumps(definition) else ""
        meaning = definition.get("description", "–") + secret
        rows.append([f"`{name}`", kind(definition, schema), default, meaning])
    return (
        f"# Settings of `{package}`\n\n{MADE.format('the settings model')}\n"
        f"In the environment each is `{prefix}` and its name in capitals; in a `--config` file it"
        " is the name itself.\n`meltano.yml` has the same.\n\n"
        + table(["setting", "type", "default", "meaning"], rows)
    )


def variables_page(settings: tuple[Any, ...], package: str) -> str:
    """Return the page of a package whose settings are variables of the environment alone."""
    rows: list[list[object]] = [
        [
            f"`{each.name}`",
            each.kind,
            each.default or "none",
            each.meaning + (" Secret." if each.is_secret else ""),
        ]
        for each in settings
    ]
    return (
        f"# Settings of `{package}`\n\n{MADE.format('the settings themselves')}\n"
        "Each is a variable of the environment, or a line of `.env`.\n\n"
        + table(["variable", "kind", "default", "meaning"], rows)
    )


# --- meltano.yml


def meltano_page() -> str:
    """Return the page of plugins, jobs, schedules and environments."""
    content = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    text = f"# The Meltano project\n\n{MADE.format('`meltano.yml`')}\n"
    plugins = [
        [f"`{each['name']}`", kind, f"`{parent}`" if (parent := each.get("inherit_from"))
         else "–", code(each.get("config"))]
        for kind, listed in content["plugins"].items()
        for each in listed
    ]  # fmt: skip
    text += "## Plugins\n\n" + table(["plugin", "kind", "inherits from", "its own"], plugins)
    jobs = [[f"`{each['name']}`", code(each["tasks"])] for each in content["jobs"]]
    text += "## Jobs\n\n" + table(["job", "tasks, in order"], jobs)
    schedules = [
        [f"`{each['name']}`", f"`{each['interval']}`", f"`{each['job']}`"]
        for each in content.get("schedules", [])
    ]
    text += "## Schedules\n\n" + table(["schedule", "when (cron)", "job"], schedules)
    environments = [
        [f"`{each['name']}`", f"`{plugin['name']}`", code(plugin["config"])]
        for each in content["environments"]
        for group in each.get("config", {}).get("plugins", {}).values()
        for plugin in group
    ]
    text += "## Environments\n\n" + table(["environment", "plugin", "its own"], environments)
    return text + f"Without a choice it is `{content['default_environment']}`.\n"


def code(value: object) -> str:
    """Return settings or tasks as code."""
    if not value:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"`{name}: {json.dumps(each)}`" for name, each in value.items())
    tasks = value if isinstance(value, list) else [value]
    return ", ".join(f"`{each}`" for each in tasks)


# --- the pages


def flext_page() -> str:
    """Return the page of the command `flext`."""
    from flext_cli.commands import flext

    exits = "Exit codes: 0 done, 1 failed, 2 wrong usage, 128 + n stopped by signal n. "
    where = "Reports go to stdout, all else to stderr.\n\n"
    head = f"# The command `flext`\n\n{MADE.format('the commands themselves')}\n{exits}{where}"
    return head + click_page(flext, "flext")


def singer_page() -> str:
    """Return the page of the two Singer programs."""
    from flext_tap_oracle_wms.tap import FlextTapOracleWms
    from flext_target_oracle.target import TargetOracle

    head = f"# The commands of tap and target\n\n{MADE.format('the commands themselves')}\n"
    tap = click_page(FlextTapOracleWms.cli, "flext-tap-oracle-wms")
    return head + tap + click_page(TargetOracle.cli, "flext-target-oracle")


def emulators_page() -> str:
    """Return the page of the two emulators."""
    head = f"# The commands of the emulators\n\n{MADE.format('their parsers')}\n"
    modules = ("wms_emulator.__main__", "oracle_emulator.__main__")
    return head + "".join(argparse_page(importlib.import_module(m)._parser()) for m in modules)


def settings_pages() -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield the page of each package that has a settings model."""
    for path in sorted(ROOT.glob("packages/*/src/*/settings.py")):
        package = path.parent.name
        if package in SETTINGS_ELSEWHERE:
            continue
        module = importlib.import_module(f"{package}.settings")
        if hasattr(module, "SETTINGS"):
            page = variables_page(module.SETTINGS, path.parents[2].name)
            yield f"reference/{path.parents[2].name}-settings.md", lambda page=page: page
        model = getattr(module, "Settings", None)
        if isinstance(model, type) and issubclass(model, BaseModel):
            page = settings_page(model, module.ENV_PREFIX, path.parents[2].name)
            yield f"reference/{path.parents[2].name}-settings.md", lambda page=page: page


def events_page() -> str:
    """Return the page of events, its table renewed."""
    paths = ROOT.glob("packages/*/src/*/events.py")
    modules = sorted(f"{path.parent.name}.events" for path in paths)
    document = (DOCS / "specs" / "events.md").read_text(encoding="utf-8")
    return catalogue.put_into(document, catalogue.table(modules))


def tap_settings_page() -> str:
    """Return the page of the tap's settings, as the tap's own tests make it."""
    script = ROOT / "packages" / "flext-tap-oracle-wms" / "tests" / "settings_page.py"
    page = runpy.run_path(str(script))["page"]()
    return str(page)


def pages() -> dict[str, str]:
    """Return every page by its path below docs."""
    made = {
        "reference/flext.md": flext_page,
        "reference/singer.md": singer_page,
        "reference/emulators.md": emulators_page,
        "reference/meltano.md": meltano_page,
        "specs/events.md": events_page,
        "specs/tap-settings.md": tap_settings_page,
        **dict(settings_pages()),
    }
    return {name: make().rstrip("\n") + "\n" for name, make in made.items()}


def main() -> int:
    """Write the pages, or compare them."""
    checking = "--check" in sys.argv[1:]
    lagging = []
    for name, text in pages().items():
        path = DOCS / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        lagging.append(str(path.relative_to(ROOT)))
        if not checking:
            path.write_text(text, encoding="utf-8")
    words = "lag behind; run: make docs" if checking else "renewed"
    if lagging:
        sys.stdout.write(f"{words}: {' '.join(lagging)}\n")
    return int(checking and bool(lagging))


if __name__ == "__main__":
    sys.exit(main())
