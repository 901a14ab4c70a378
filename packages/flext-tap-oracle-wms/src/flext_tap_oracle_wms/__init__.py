"""Singer tap for the Oracle Warehouse Management Cloud REST API."""
