"""What a release of Oracle Database takes: the engine asks a capability, never for a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The differences between releases that matter to SQL."""

    select_without_from: bool = False
    boolean: bool = False  # TRUE and FALSE, conditions as values
    multi_row_values: bool = False
    except_operator: bool = False  # EXCEPT beside MINUS


RELEASES: Mapping[str, Capabilities] = {
    "19c": Capabilities(),
    "23ai": Capabilities(
        select_without_from=True, boolean=True, multi_row_values=True, except_operator=True
    ),
}
