"""Makes docs/pictures: what `flext` shows on a terminal, taken from a run on the emulators.

`python tests/docs/pictures.py` (make pictures). Nothing is drawn or written by hand: each command
runs on a pseudo terminal of fixed width, and what it printed becomes an SVG. Only the workspace's
path is shortened. A picture that says the same as the one there, but for figures, times and ids and
for how far each stream of a run was, is left as it is.
"""

from __future__ import annotations

import html
import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from flext_cli import meltano, project
from flext_cli.demo import ends, folder
from flext_cli.demo.processes import Household

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "docs" / "pictures"
#: Columns of the terminal, wide enough for each command.
WIDTHS = {"doctor": 100, "run": 100, "status": 100, "verify": 100}
ROWS = 3000
#: What a stream that runs says of itself, and the units of a time.
VARYING = {"#", "running", "done", "left", "min", "s", "h", "d", "of"}
SHOWN_ROOT = "/srv/flext"
#: How rich's Live takes back the frame before: the line, and those above it.
TAKEN_BACK = re.compile(r"\r?\x1b\[2K(?:\x1b\[1A\x1b\[2K)*|\x1b\[\?25[lh]")
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def typed(name: str, argv: list[str], root: Path, environ: dict[str, str]) -> str:
    """Run a command on a terminal; answers all that it wrote, control sequences included."""
    ours, theirs = pty.openpty()
    terminal = {"TERM": "xterm-256color", "COLUMNS": str(WIDTHS[name]), "LINES": "60"}
    # What `doctor` says on stderr while it looks is said again in its table.
    stderr = subprocess.DEVNULL if name == "doctor" else theirs
    with subprocess.Popen(
        [str(meltano.executable("flext")), *argv],
        cwd=root,
        env={**environ, **terminal},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=stderr,
    ) as process:
        os.close(theirs)
        written = b"".join(_until_closed(ours))
    os.close(ours)
    text = written.decode("utf-8").replace("\r\n", "\n")
    if process.returncode:
        raise SystemExit(f"flext {' '.join(argv)} ended with {process.returncode}:\n{text}")
    return text.replace(str(root), SHOWN_ROOT)


def _until_closed(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # Linux says so when the last writer is gone
            return
        if not piece:
            return
        yield piece


def frames(written: str) -> list[str]:
    """What stood on the screen, one after the other, where a command draws anew."""
    return [frame for frame in TAKEN_BACK.split(written) if frame.strip()]


def last_table(written: str) -> str:
    """The table as it stood last, before the command took it back, and its last words."""
    *seen, end = frames(written)
    tables = [frame for frame in seen if "─" in frame]
    return tables[-1].rstrip("\n") + "\n" + end


def last_screen(written: str) -> str:
    """What stays on the screen."""
    return frames(written)[-1]


def drawn(name: str, title: str, screen: str) -> str:
    """A screen as SVG."""
    console = Console(record=True, width=WIDTHS[name], file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(screen.strip("\n")), crop=False)
    return console.export_svg(
        title=title, theme=SVG_EXPORT_THEME, code_format=FORMAT, unique_id=f"flext-{name}"
    )


def words_of(svg: str) -> list[str]:
    """The words of a picture in a fixed order, without what differs from run to run."""
    text = html.unescape(" ".join(re.findall(r">([^<>]*)</text>", svg)))
    text = re.sub(r"\b[0-9a-f]{8}\b", "#", text.replace("\xa0", " "))
    words = re.sub(r"[\d.,:%+-]+|[\u2500-\u257f]", " ", text).split()
    return sorted(set(words) - VARYING)


def put(name: str, title: str, screen: str) -> None:
    """Write a picture, unless the one there says the same."""
    path = PLACE / f"{name}.svg"
    svg = drawn(name, title, screen)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if words_of(before) == words_of(svg):
        sys.stdout.write(f"{path.relative_to(ROOT)}: the same but for figures, left as it is\n")
        return
    path.write_text(svg, encoding="utf-8")
    sys.stdout.write(f"{path.relative_to(ROOT)}: drawn\n")


def main() -> int:
    """Run the commands on the emulators and draw them."""
    PLACE.mkdir(exist_ok=True)
    environ = folder.environment(os.environ)
    with tempfile.TemporaryDirectory() as temporary, Household() as household:
        root = Path(temporary) / "flext"
        root.mkdir()
        place = folder.furnish(root, project.find(ROOT, {}))
        both = ends.start(household, place, environ, rows=ROWS, keep=False)
        ends.make_account(both)
        settings = both.settings()
        del settings["FLEXT_TAP_ORACLE_WMS_ENTITIES"]  # the default three
        folder.write_settings(place, settings)
        full = typed("run", ["run", "full-sync-job"], root, environ)
        put("run", "flext run full-sync-job", last_table(full))
        ends.change(both, rows=ROWS)
        typed("run", ["run", "incremental-sync-job"], root, environ)
        for name in ("status", "verify", "doctor"):
            put(name, f"flext {name}", last_screen(typed(name, [name], root, environ)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
