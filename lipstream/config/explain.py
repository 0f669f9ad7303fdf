"""One line for a configuration that does not validate: the key, the value, and what is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lipstream.config.schema import Config
from lipstream.suggest import did_you_mean

_NOT_A_SECTION = frozenset({"model_type", "model_attributes_type"})
_WORDS = {
    "tuple_type": "a list such as [Ada Lovelace, Babbage]",
    "list_type": "a list such as [Ada Lovelace, Babbage]",
    "dict_type": "pairs such as {key: value}",
    "mapping_type": "pairs such as {key: value}",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "none_required": "null",
}
"""What Pydantic says in words of Python."""
_OUT_OF_RANGE = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"})


def explain(error: ValidationError, data: Mapping[str, Any]) -> str:
    """Say what is wrong with the first bad key of a configuration."""
    errors = error.errors()
    first = errors[0]
    path = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        return _unknown_key(path)
    if first["type"] == "invalid_key":
        # YAML reads a bare 1, on or no as something else than text.
        return _unknown_key([*path[:-1], str(first["input"])])
    # Pydantic appends the tried type to the location of a union; only what exists in the data is a key.
    keys = list(_existing(path, data))
    key = ".".join(keys)
    if first["type"] == "value_error":
        message = first["msg"].removeprefix("Value error, ")
        return f"'{key}': {message}" if key else message
    same = [other for other in errors if list(_existing([str(part) for part in other["loc"]], data)) == keys]
    return f"'{key}': {first['input']!r} is not allowed, {_allowed(keys, same)}"


def section_model(keys: Sequence[str]) -> type[BaseModel] | None:
    """The model of a section by its path in the configuration; None if there is no such section."""
    model: Any = Config
    for key in keys:
        if (inner := _values_of(model)) is not None:
            model = inner
        elif isinstance(model, type) and issubclass(model, BaseModel) and key in model.model_fields:
            model = model.model_fields[key].annotation
        else:
            return None
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _values_of(annotation: object) -> type | None:
    """What the values of a mapping by free names are; None for anything else."""
    return get_args(annotation)[1] if get_origin(annotation) is dict else None


def _existing(path: Sequence[str], data: Mapping[str, Any]) -> Iterator[str]:
    node: Any = data
    for part in path:
        if not isinstance(node, Mapping) or part not in node:
            return
        yield part
        node = node[part]


def _unknown_key(path: Sequence[str]) -> str:
    model = section_model(path[:-1])
    known = list(model.model_fields) if model is not None else []
    return f"unknown key '{'.'.join(path)}'{did_you_mean(path[-1], known)} (allowed: {', '.join(known)})"


def _allowed(keys: Sequence[str], errors: Sequence[ErrorDetails]) -> str:
    kind = errors[0]["type"]
    if kind in _NOT_A_SECTION and (model := section_model(keys)) is not None:
        return f"expected a section with some of the keys {', '.join(model.model_fields)}"
    if kind == "path_type":
        return "expected a path"
    if kind in _OUT_OF_RANGE and (bounds := _range(keys)):
        return f"expected a number {bounds}"
    # The members of a union are tried in turn, and each says what it would have taken.
    wanted = dict.fromkeys(
        _WORDS.get(error["type"]) or error["msg"].removeprefix("Input should be ") for error in errors
    )
    return f"expected {' or '.join(wanted)}"


def _range(keys: Sequence[str]) -> str:
    model = section_model(keys[:-1])
    metadata = model.model_fields[keys[-1]].metadata if model is not None else []
    words = {
        annotated_types.Gt: "greater than {0.gt}",
        annotated_types.Ge: "not less than {0.ge}",
        annotated_types.Lt: "less than {0.lt}",
        annotated_types.Le: "not greater than {0.le}",
    }
    return " and ".join(words[type(bound)].format(bound) for bound in metadata if type(bound) in words)
