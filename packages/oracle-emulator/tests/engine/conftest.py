from __future__ import annotations

import importlib.util
from pathlib import Path

# Test modules are imported by path and cannot import each other: fixtures are shared from here.
_spec = importlib.util.spec_from_file_location(
    "fix_engine", Path(__file__).with_name("fix_engine.py")
)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

database = _module.database
connect = _module.connect
system = _module.system
user = _module.user
client = _module.client
small = _module.small
