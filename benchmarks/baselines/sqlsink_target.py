"""A target for Oracle as one writes it on the SDK's SQLTarget with SQLAlchemy's oracle+oracledb.

It follows the SDK's documentation and the habits of the well-known targets built on it: a batch
(of 10,000 records by the SDK's default) is inserted into a temporary table and merged by key. No
trick makes it slower, and none faster; `--msgspec` uses the reader that the SDK has for speed.
"""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from singer_sdk import typing as th
from singer_sdk.contrib.msgspec import MsgSpecReader
from singer_sdk.sql import SQLConnector, SQLSink, SQLTarget
from singer_sdk.sql.connector import JSONSchemaToSQL
from sqlalchemy.dialects import oracle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk.helpers.capabilities import CapabilitiesEnum

__all__: list[str] = []


class UtcTimestamp(sa.types.TypeDecorator[datetime]):
    """TIMESTAMP in UTC: the driver binds an instant without its zone."""

    impl = oracle.TIMESTAMP
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return the instant in UTC, without a zone."""
        del dialect
        if value is None or value.tzinfo is None:
            return value
        return value.astimezone(UTC).replace(tzinfo=None)


class OracleConnector(SQLConnector):
    """Types and tables of Oracle."""

    allow_column_add = True
    allow_temp_tables = True
    max_varchar_length = 4000

    @property
    def jsonschema_to_sql(self) -> JSONSchemaToSQL:
        """Return the mapping of types."""
        mapping = JSONSchemaToSQL(max_varchar_length=self.max_varchar_length)
        mapping.fallback_type = oracle.CLOB
        mapping.register_type_handler("integer", lambda _: oracle.NUMBER(38, 0))
        mapping.register_type_handler("number", lambda _: oracle.NUMBER(38, 10))
        mapping.register_type_handler("boolean", lambda _: oracle.NUMBER(1, 0))
        mapping.register_type_handler("object", oracle.CLOB)
        mapping.register_type_handler("array", oracle.CLOB)
        mapping.register_type_handler("string", _text)
        mapping.register_format_handler("date-time", UtcTimestamp)
        mapping.register_format_handler("time", lambda _: oracle.VARCHAR2(30))
        return mapping

    def begin(self) -> contextlib.AbstractContextManager[sa.Connection]:
        """Return a transaction."""
        return self._engine.begin()

    def quoted(self, name: str) -> str:
        """Return a name as the dialect writes it."""
        return self._dialect.identifier_preparer.quote(name)

    def create(self, table: sa.Table) -> None:
        """Make a table that is not there."""
        table.metadata.create_all(self._engine)

    def get_sqlalchemy_url(self, config: dict[str, Any]) -> str:
        """Return the address in SQLAlchemy's form."""
        return sa.URL.create(
            "oracle+oracledb",
            username=config["user"],
            password=config["password"],
            host=config["host"],
            port=config["port"],
            query={"service_name": config["service_name"]},
        ).render_as_string(hide_password=False)

    def table(self, name: str, schema: dict[str, Any], **more: Any) -> sa.Table:
        """Return a table of the stream's columns."""
        columns = [
            sa.Column(column, self.to_sql_type(kind))
            for column, kind in schema["properties"].items()
        ]
        return sa.Table(name, sa.MetaData(), *columns, **more)


def _text(schema: dict[str, Any]) -> sa.types.TypeEngine[Any]:
    formats = {"date-time": UtcTimestamp(), "date": sa.DATE(), "time": oracle.VARCHAR2(30)}
    if found := formats.get(schema.get("format", "")):
        return found
    return oracle.VARCHAR2(min(int(schema.get("maxLength", 4000)), 4000))


class OracleSink(SQLSink[OracleConnector]):
    """Merges a stream's batches into its table."""

    connector_class = OracleConnector

    def setup(self) -> None:
        """Make the table and the temporary one."""
        super().setup()
        self.fields = self.conform_schema(self.schema)
        self.staging = self.connector.table(
            f"{self.table_name}_tmp",
            self.fields,
            prefixes=["GLOBAL TEMPORARY"],
            oracle_on_commit="DELETE ROWS",
        )
        self.connector.create(self.staging)
        self.live = self.connector.table(self.table_name, self.fields)

    def process_batch(self, context: dict[str, Any]) -> None:
        """Insert a batch into the temporary table and merge it."""
        with self.connector.begin() as connection:
            if not self.key_properties:
                self.insert(connection, self.live, context["records"])
                return
            self.insert(connection, self.staging, context["records"])
            connection.execute(self.merge())

    def insert(
        self, connection: sa.Connection, table: sa.Table, records: Iterable[dict[str, Any]]
    ) -> None:
        """Insert records; of several with one key the last."""
        names = {self.conform_name(name): name for name in self.schema["properties"]}
        rows = [{name: record.get(own) for name, own in names.items()} for record in records]
        if self.key_properties:
            unique = {tuple(row[key] for key in self.key_properties): row for row in rows}
            rows = list(unique.values())
        connection.execute(table.insert(), rows)

    def merge(self) -> sa.TextClause:
        """Return the statement that merges the temporary table."""
        quote = self.connector.quoted
        names = [quote(name) for name in self.fields["properties"]]
        keys = [quote(name) for name in self.key_properties]
        same = " AND ".join(f"t.{key} = s.{key}" for key in keys)
        sets = ", ".join(f"t.{name} = s.{name}" for name in names if name not in keys)
        return sa.text(
            f"MERGE INTO {quote(self.live.name)} t USING {quote(self.staging.name)} s ON ({same})"
            f" WHEN MATCHED THEN UPDATE SET {sets}"
            f" WHEN NOT MATCHED THEN INSERT ({', '.join(names)})"
            f" VALUES ({', '.join(f's.{name}' for name in names)})"
        )


class SqlSinkTarget(SQLTarget):
    """The target."""

    name = "sqlsink-target"
    default_sink_class = OracleSink
    capabilities: ClassVar[list[CapabilitiesEnum]] = list(SQLTarget.capabilities)
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("host", th.StringType, required=True),
        th.Property("port", th.IntegerType, required=True),
        th.Property("service_name", th.StringType, required=True),
        th.Property("user", th.StringType, required=True),
        th.Property("password", th.StringType, required=True),
        th.Property("add_record_metadata", th.BooleanType, default=True),
    ).to_dict()


class MsgSpecTarget(SqlSinkTarget):
    """The same with the SDK's fast reader."""

    message_reader_class = MsgSpecReader


def main(arguments: Sequence[str]) -> None:
    """Run the target."""
    fast = "--msgspec" in arguments
    chosen = MsgSpecTarget if fast else SqlSinkTarget
    chosen.cli([argument for argument in arguments if argument != "--msgspec"])


if __name__ == "__main__":
    main(sys.argv[1:])
