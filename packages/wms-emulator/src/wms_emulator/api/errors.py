"""Error answers of the API: {reference, code, message, details}."""

from collections.abc import Mapping
from uuid import uuid4

from wms_emulator.messages import Response, json_response


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`code` is one fixed word, `details` maps query keys to what is wrong with them."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The error as it goes out."""
        body: dict[str, object] = {
            "reference": str(uuid4()),
            "code": self.code,
            "message": self.message,
        }
        if self.details is not None:
            body["details"] = dict(self.details)
        response = json_response(self.status, body)
        response.headers += list(self.headers.items())
        return response


def invalid(key: str, message: str) -> ApiError:
    """400: a query key or its value cannot be used."""
    return ApiError(400, "VALIDATION_ERROR", "Invalid input.", {key: message})


def not_found() -> ApiError:
    """404: no such resource, no such record, or an empty list."""
    return ApiError(404, "NOT_FOUND", "Not found.")


def not_emulated(what: str) -> ApiError:
    """501: the real API has it, the emulator says that it has not."""
    return ApiError(501, "NOT_EMULATED", f"wms-emulator does not offer {what}.")
