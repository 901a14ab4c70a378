"""What a client reads of a column; the positions are those in which the real driver reads them."""

import pytest

from oracle_emulator.codec.buffers import Reader
from oracle_emulator.engine.interface import Column, OracleType, TypeCode
from oracle_emulator.ttc.describe import buffer_bytes, encode_column


def read(column, version):
    reader = Reader(encode_column(column, 3, version))
    seen = {"type": reader.u8(), "flags": reader.u8(), "precision": reader.u8()}
    scale = reader.u8()
    seen |= {"scale": scale - 256 if scale > 127 else scale, "buffer": reader.ub()}
    reader.ub(), reader.ub(8), reader.bl2(), reader.ub(2)
    seen |= {"charset": reader.ub(2), "form": reader.u8(), "size": reader.ub()}
    reader.ub()
    seen |= {"nullable": reader.u8()}
    reader.u8()
    seen |= {"name": reader.text2()}
    reader.bl2(), reader.bl2()
    seen |= {"position": reader.ub(2)}
    reader.ub()
    if version >= 17:
        reader.bl2(), reader.bl2()
    if version >= 20:
        assert reader.ub() == 0
    if version >= 24:
        reader.ub(), reader.u8(), reader.u8()
    assert reader.remaining() == 0
    return seen


@pytest.mark.parametrize("version", [13, 17, 20, 24])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (OracleType(TypeCode.NUMBER), {"precision": 0, "scale": -127, "buffer": 22}),
        (OracleType(TypeCode.NUMBER, precision=38), {"precision": 38, "scale": 0}),
        (OracleType(TypeCode.NUMBER, precision=5, scale=-2), {"precision": 5, "scale": -2}),
        (OracleType(TypeCode.VARCHAR, 100), {"size": 100, "buffer": 100, "charset": 873}),
        (OracleType(TypeCode.VARCHAR, 10, char_semantics=True), {"size": 10, "buffer": 40}),
        (OracleType(TypeCode.VARCHAR, 10, national=True), {"size": 10, "buffer": 20, "form": 2}),
        (OracleType(TypeCode.TIMESTAMP, precision=6), {"precision": 0, "scale": 6, "buffer": 11}),
        (OracleType(TypeCode.CLOB), {"charset": 873, "form": 1}),
    ],
)
def test_the_fields_of_a_column(kind, expected, version):
    seen = read(Column("NAME €", kind, nullable=False), version)
    common = {"type": kind.code, "nullable": 0, "name": "NAME €", "position": 3}
    assert seen | common | expected == seen


def test_no_column_looks_always_null_to_a_client():
    assert buffer_bytes(OracleType(TypeCode.VARCHAR, 0)) == 1
