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
    if_exists: bool = False  # CREATE … IF NOT EXISTS, DROP … IF EXISTS
    named_errors: bool = False  # messages that name the table, as ORA-00942 does from 23ai on
    max_string_bytes: int = 4000  # of VARCHAR2; 32767 with MAX_STRING_SIZE = EXTENDED
    except_operator: bool = False  # EXCEPT beside MINUS


RELEASES: Mapping[str, Capabilities] = {
    "19c": Capabilities(),
    "23ai": Capabilities(
        select_without_from=True,
        boolean=True,
        multi_row_values=True,
        except_operator=True,
        if_exists=True,
        named_errors=True,
    ),
}
