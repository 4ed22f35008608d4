"""Botocore's service models, as a server needs them.

Botocore is pinned in pyproject.toml, because its models change weekly.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.loaders
import botocore.model

Shape = Any
"""``botocore.model.Shape`` and its kinds; botocore is not typed."""
Value = Any
"""What travels along a shape: text, numbers, bytes, lists and dictionaries."""


class ServiceModel:
    """One service's operations, shapes and errors."""

    def __init__(self, name: str) -> None:
        # Not by botocore's session, which loads all of its client side first: that is half a second of every start.
        description = botocore.loaders.create_loader().load_service_model(name, "service-2")
        self._model = botocore.model.ServiceModel(description, name)
        self.name = name
        self.signing_name: str = self._model.signing_name
        self.target_prefix: str = self._model.metadata["targetPrefix"]
        self.operations: frozenset[str] = frozenset(self._model.operation_names)
        self.api_version: str = self._model.metadata["apiVersion"]
        self.protocols: frozenset[str] = frozenset(self._model.metadata["protocols"])
        self.xml_namespace: str = self._model.metadata.get("xmlNamespace", "")
        self.is_query_compatible = "awsQueryCompatible" in self._model.metadata
        """Whether errors keep the names that they had when the service spoke the query protocol only."""
        self._errors = {shape.name: shape for shape in self._model.error_shapes}

    def input_shape(self, operation: str) -> Shape | None:
        return self._model.operation_model(operation).input_shape

    def output_shape(self, operation: str) -> Shape | None:
        return self._model.operation_model(operation).output_shape

    def error_message_member(self, code: str) -> str:
        """The member that carries an error's message: ``Message`` where the model says so, else ``message``."""
        shape = self._errors.get(code)
        return "Message" if shape is not None and "Message" in shape.members else "message"

    def query_error_code(self, code: str) -> str:
        """An error's name in the query protocol: that of its shape, unless the model has another."""
        shape = self._errors.get(code)
        return code if shape is None else str(shape.metadata.get("error", {}).get("code", code))


@cache
def service_model(name: str) -> ServiceModel:
    """The model of a service by botocore's name for it, loaded once."""
    return ServiceModel(name)
