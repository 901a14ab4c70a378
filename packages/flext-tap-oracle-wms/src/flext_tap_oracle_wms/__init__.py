"""Singer tap for the Oracle Warehouse Management Cloud REST API."""

from flext_tap_oracle_wms.deferral import defer

defer("singer_sdk", "singer_sdk.streams")
