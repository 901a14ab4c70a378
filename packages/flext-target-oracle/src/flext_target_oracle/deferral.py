"""Packages whose `__init__` runs when a name of it is first needed. Nothing else lives here.

`singer_sdk/__init__.py` imports every kind of stream, sink and reader there is, and with them
requests, joblib and GraphQL: half of what a start costs, and none of it is used. Submodules of a
deferred package are imported as ever, without that. Nothing of the package is changed: whoever
asks it for a name, as in `from singer_sdk import RESTStream`, gets it, at the price of its start.

What the SDK's own modules ask other packages for at their top, and then never call here, is put off
by its name: they get a function that starts the package when it is called.
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

    put_off: frozenset[str] = frozenset()

    def __getattr__(self, name: str) -> Any:
        if name in self.put_off:
            return _Call(self, name)
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        with _LOCK:
            if type(self) is _Deferred:
                full = f"{self.__name__}.{name}"
                if importlib.util.find_spec(full) is not None:
                    return importlib.import_module(full)
                _start(self)
        return getattr(self, name)


class _Call:
    """What a package calls `name`, for those who want no more of it than to call it."""

    def __init__(self, package: _Deferred, name: str) -> None:
        self._package, self._name = package, name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        with _LOCK:
            if type(self._package) is _Deferred:
                _start(self._package)
        return getattr(self._package, self._name)(*arguments, **named)


def _start(package: ModuleType) -> None:
    package.__class__ = ModuleType  # first, since the package may look into itself
    if package.__spec__ is not None and package.__spec__.loader is not None:
        package.__spec__.loader.exec_module(package)


def defer_calls(package: str, *names: str) -> None:
    """Put off the `__init__` of a package until one of these names is called or another asked for.

    Only for names that are called and nothing else: what stands in for them is no class.
    """
    defer(package)
    if isinstance(module := sys.modules.get(package), _Deferred):
        module.put_off = frozenset(names)


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
