"""The one error of this layer."""


class QueryError(ValueError):
    """A query key or value that the API refuses: answered 400 VALIDATION_ERROR."""

    def __init__(self, key: str, message: str) -> None:
        """`key` as the client wrote it, `message` for the `details` of the answer."""
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message
