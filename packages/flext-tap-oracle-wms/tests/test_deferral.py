"""A deferred package is the package: only the moment of its `__init__` is another."""

import importlib
import subprocess
import sys

import pytest

from flext_tap_oracle_wms.deferral import defer, defer_calls


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A package that says when its `__init__`, and that of a package below it, run."""
    below = tmp_path / "planted" / "below"
    below.mkdir(parents=True)
    (tmp_path / "ran.py").write_text("INITS = []\n")
    (tmp_path / "planted" / "__init__.py").write_text(
        "import ran\nran.INITS.append(__name__)\nfrom planted.light import LIGHT\n"
        "from planted import below\nfrom planted.below import HEAVY\n"
        "def __getattr__(name):\n    if name == 'OLD':\n        return 'old'\n"
        "    raise AttributeError(name)\n"
    )
    (tmp_path / "planted" / "light.py").write_text("LIGHT = 1\n")
    (below / "__init__.py").write_text("import ran\nran.INITS.append(__name__)\nHEAVY = 2\n")
    (below / "part.py").write_text("from planted import light\nPART = light.LIGHT + 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield lambda: importlib.import_module("ran").INITS
    for name in [each for each in sys.modules if each.split(".")[0] in {"planted", "ran"}]:
        del sys.modules[name]


def test_its_submodules_are_imported_without_it(planted):
    defer("planted", "planted.below")
    assert importlib.import_module("planted.below.part").PART == 3
    assert planted() == []


def test_it_starts_once_when_a_name_of_it_is_asked_for(planted):
    defer("planted", "planted.below")
    package = importlib.import_module("planted")
    assert package.HEAVY == 2
    assert package.LIGHT == 1
    assert package.below.HEAVY == 2
    assert package.OLD == "old"  # what its own `__getattr__` gives
    assert planted() == ["planted", "planted.below"]
    with pytest.raises(AttributeError):
        _ = package.NOT_THERE
    assert planted() == ["planted", "planted.below"]


def test_what_is_loaded_already_stays(planted):
    before = importlib.import_module("planted")
    defer("planted", "planted.below")
    assert importlib.import_module("planted") is before
    assert planted() == ["planted", "planted.below"]


def test_a_package_that_is_not_there_is_left_to_who_imports_it():
    defer("planted_nowhere")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("planted_nowhere")


def test_a_name_that_is_only_called_starts_its_package_when_it_is(planted, tmp_path):
    (tmp_path / "planted" / "__init__.py").write_text(
        "import ran\nran.INITS.append(__name__)\n"
        "def made(*found, **named):\n    return found, named\n"
    )
    defer_calls("planted", "made")
    made = importlib.import_module("planted").made
    assert planted() == []
    assert made(1, name=2) == ((1,), {"name": 2})
    assert made(3) == ((3,), {})
    assert planted() == ["planted"]
    assert importlib.import_module("planted").made.__module__ == "planted"


def test_any_other_name_starts_it_too(planted):
    defer_calls("planted", "made")
    assert importlib.import_module("planted").HEAVY == 2
    assert planted() == ["planted", "planted.below"]


def test_calls_of_what_is_loaded_already_are_its_own(planted):
    before = importlib.import_module("planted")
    defer_calls("planted", "HEAVY")
    assert importlib.import_module("planted") is before
    assert before.HEAVY == 2


def test_the_sdk_gives_all_its_names_to_others():
    """In a process of its own: here the SDK has long been loaded by the tests."""
    code = (
        "import flext_tap_oracle_wms.tap, sys\n"
        "assert 'requests' not in sys.modules\n"
        "import singer_sdk\n"
        "from singer_sdk import RESTStream, Stream, Tap, Target\n"
        "from singer_sdk.streams import GraphQLStream\n"
        "assert all(hasattr(singer_sdk, name) for name in singer_sdk.__all__)\n"
        "assert issubclass(flext_tap_oracle_wms.tap.FlextTapOracleWms, Tap)\n"
        "assert issubclass(RESTStream, flext_tap_oracle_wms.streams.Stream)\n"
        "from singer_sdk.helpers._batch import StorageTarget\n"
        "assert StorageTarget('file:///a').get_url('b') == 'file:///a/b'\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], check=False)
    assert done.returncode == 0
