"""The build backend that pip asks for a name and a version before it keeps what it downloaded.

setuptools would have every extension of the driver translated by Cython to say them, which takes a
minute; the distribution's own PKG-INFO says them too. Nothing can be built with this.
"""

from __future__ import annotations

import shutil
from pathlib import Path


def prepare_metadata_for_build_wheel(directory: str, settings: object = None) -> str:
    """Put the metadata of the distribution in the working directory where pip looks for it."""
    del settings
    made = Path(directory) / "unbuilt.dist-info"
    made.mkdir()
    shutil.copy("PKG-INFO", made / "METADATA")
    return made.name
