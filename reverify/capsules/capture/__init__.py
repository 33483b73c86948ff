"""Running an analysis, and writing down what it was."""

from reverify.capsules.capture.capturing import Captured, capture
from reverify.capsules.capture.request import (
    Request,
    read_description,
    read_organization,
    read_parameter,
    read_person,
)

__all__ = [
    "Captured",
    "Request",
    "capture",
    "read_description",
    "read_organization",
    "read_parameter",
    "read_person",
]
