"""Each member, installed from its wheel with only what it declares, imports in every module."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = sorted(p.parent.name for p in (ROOT / "packages").glob("*/pyproject.toml"))
UV = ROOT / ".uv" / "bin" / "uv"

WALK = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
count = 1
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith((".__main__", ".testing", ".pytest_plugin")):
        importlib.import_module(module.name)
        count += 1
assert package.__file__ and "site-packages" in package.__file__, package.__file__
print(count)
"""


def declared(member: str) -> tuple[set[str], list[str]]:
    """Return the members that `member` needs, itself included, and what they declare."""
    ours: set[str] = set()
    others: list[str] = []
    todo = [member]
    while todo:
        name = todo.pop()
        if name in ours:
            continue
        ours.add(name)
        project = tomllib.loads((ROOT / "packages" / name / "pyproject.toml").read_text())[
            "project"
        ]
        for requirement in project["dependencies"]:
            (todo if requirement in MEMBERS else others).append(requirement)
    return ours, others


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build every member once."""
    out = tmp_path_factory.mktemp("wheels")
    for member in MEMBERS:
        run(
            UV,
            "build",
            "--wheel",
            "--no-build-isolation",
            "--out-dir",
            out,
            "--quiet",
            ROOT / "packages" / member,
        )
    return out


def run(*command: object) -> str:
    env = os.environ | {"VIRTUAL_ENV": sys.prefix}
    done = subprocess.run(
        [str(c) for c in command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=env,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("member", MEMBERS)
def test_member_imports_alone(member: str, wheels: Path, tmp_path: Path) -> None:
    ours, others = declared(member)
    run(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    built = [next(wheels.glob(f"{name.replace('-', '_')}-*.whl")) for name in sorted(ours)]
    pins = ["-c", str(ROOT / "requirements" / "dev.txt")]
    if others:
        run(UV, "pip", "install", "--quiet", "--python", python, *pins, *others)
    run(UV, "pip", "install", "--quiet", "--python", python, "--no-deps", *built)
    import_name = member.replace("-", "_")
    modules = len(list((ROOT / "packages" / member / "src").rglob("*.py")))
    left_out = len(
        [
            p
            for p in (ROOT / "packages" / member / "src").rglob("*.py")
            if p.stem in {"__main__", "testing", "pytest_plugin"}
        ]
    )
    walked = subprocess.run(
        [str(python), "-c", WALK, import_name],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=120,
    )
    assert walked.returncode == 0, walked.stderr
    assert int(walked.stdout) == modules - left_out
