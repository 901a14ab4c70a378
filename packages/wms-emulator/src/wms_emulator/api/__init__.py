"""The REST API, one module per endpoint: request in, response out. No sockets."""
