"""Singer tap for the Oracle Warehouse Management Cloud REST API."""

from flext_tap_oracle_wms.deferral import defer, defer_calls

defer("singer_sdk", "singer_sdk.streams")
defer_calls("upath", "UPath")  # for the SDK's own batch files; ours are made without it
