"""What a run learns of the database before its first stream is prepared, once."""

from __future__ import annotations

from flext_target_oracle import catalogue, control_tables
from flext_target_oracle.clock import utc_now
from flext_target_oracle.delivery import Account, Surroundings
from flext_target_oracle.values import Rules


def learn(shared: Surroundings) -> Account:
    """Look at the database and make our own tables; later calls return the same.

    Raises:
        DatabaseError: it cannot be reached or refuses.
    """
    settings = shared.settings
    with shared.lock:
        if shared.account is None:
            with shared.database.session("prepare account") as session:
                user = catalogue.current_user(session)
                schema = settings.control_schema or user
                missing = control_tables.ensure(session, schema, ddl=settings.ddl)
                rules = Rules(
                    rounding=settings.inexact_number == "round", codec=catalogue.codec(session)
                )
                ahead = catalogue.clock(session) - utc_now()
            limit = shared.database.max_identifier_bytes
            shared.account = Account(schema, rules, limit, ahead, missing, schema == user)
        return shared.account
