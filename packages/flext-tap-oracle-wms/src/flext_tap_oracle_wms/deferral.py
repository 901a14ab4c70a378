"""Packages whose `__init__` runs when a name of it is first asked for. Nothing else lives here.

`singer_sdk/__init__.py` imports every kind of stream, sink and reader there is, and with them
requests, joblib and GraphQL: half of what a start costs, and none of it is used. Submodules of a
deferred package are imported as ever, without that. Nothing of the package is changed: whoever
asks it for a name, as in `from singer_sdk import RESTStream`, gets it, at the price of its start.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

_LOCK = threading.RLock()


class _Deferred(ModuleType):
    """A package before its `__init__`; an ordinary one from the first name on that it gives."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        with _LOCK:
            if type(self) is _Deferred:
                full = f"{self.__name__}.{name}"
                if importlib.util.find_spec(full) is not None:
                    return importlib.import_module(full)
                _start(self)
        return getattr(self, name)


def _start(package: ModuleType) -> None:
    package.__class__ = ModuleType  # first, since the package may look into itself
    if package.__spec__ is not None and package.__spec__.loader is not None:
        package.__spec__.loader.exec_module(package)


def defer(*packages: str) -> None:
    """Put off the `__init__` of these packages, outer ones first; those already loaded stay."""
    for package in packages:
        if package in sys.modules or (spec := importlib.util.find_spec(package)) is None:
            continue
        module = importlib.util.module_from_spec(spec)
        module.__class__ = _Deferred
        sys.modules[package] = module
        outer, _, name = package.rpartition(".")
        if outer:
            setattr(sys.modules[outer], name, module)
