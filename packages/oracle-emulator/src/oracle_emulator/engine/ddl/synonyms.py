"""CREATE and DROP SYNONYM: other names for tables, views and sequences."""

from __future__ import annotations

from oracle_emulator.engine import accounts
from oracle_emulator.engine.ddl.scene import Scene, relation
from oracle_emulator.engine.ddl.statements import CreateSynonym, DropSynonym
from oracle_emulator.engine.errors import error


def _owner(scene: Scene, statement: CreateSynonym | DropSynonym, verb: str) -> str:
    """Whose the synonym is. Raises ORA-01031 when the user may not make or drop it there."""
    owner = "PUBLIC" if statement.public else scene.resolve(statement.name)[0]
    if statement.public:
        accounts.require(scene.run, scene.user, f"{verb} PUBLIC SYNONYM")
    elif owner != scene.user:
        accounts.require(scene.run, scene.user, f"{verb} ANY SYNONYM")
    elif verb == "CREATE":
        accounts.require(scene.run, scene.user, "CREATE SYNONYM", "CREATE ANY SYNONYM")
    return owner


def _exists(scene: Scene, owner: str, name: str) -> bool:
    found = scene.run.execute(
        "SELECT 1 FROM ora.synonyms WHERE owner = $1 AND name = $2", [owner, name]
    ).fetchone()
    return found is not None


def create(statement: CreateSynonym, scene: Scene) -> None:
    """Carry out CREATE SYNONYM. What it stands for need not exist."""
    owner, name = _owner(scene, statement, "CREATE"), statement.name[1]
    if _exists(scene, owner, name) and not statement.replace:
        if statement.quietly:
            return
        raise error(955)
    if not statement.public and relation(scene, owner, name) is not None:
        raise error(955)
    scene.run.execute(
        "INSERT INTO ora.synonyms VALUES ($1, $2, $3, $4) ON CONFLICT (owner, name) DO UPDATE "
        "SET table_owner = excluded.table_owner, table_name = excluded.table_name",
        [owner, name, *scene.resolve(statement.target)],
    )


def drop(statement: DropSynonym, scene: Scene) -> None:
    """Carry out DROP SYNONYM. Raises ORA-01432 or ORA-01434 when there is none."""
    owner, name = _owner(scene, statement, "DROP"), statement.name[1]
    if not _exists(scene, owner, name):
        if statement.quietly:
            return
        raise error(1432 if statement.public else 1434)
    scene.run.execute("DELETE FROM ora.synonyms WHERE owner = $1 AND name = $2", [owner, name])
