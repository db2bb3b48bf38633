"""Protobuf messages at random, of any type: fields left out, odd numbers, long lists, texts that say nothing."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.fuzz.mangling import FRACTIONS, NUMBERS, Mangler

_DEEPEST = 4
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
}


def message_of(kind: Descriptor, mangler: Mangler, depth: int = 0) -> Message:
    """A message of this type, about half of its fields set."""
    message: Message = GetMessageClass(kind)()
    for field in kind.fields:
        if mangler.chance.random() < 0.5 and not _is_map(field):
            _fill(message, field, mangler, depth)
    return message


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _fill(message: Message, field: FieldDescriptor, mangler: Mangler, depth: int) -> None:
    if field.message_type is not None:
        if depth < _DEEPEST:
            for _ in range(mangler.chance.randrange(4) if field.is_repeated else 1):
                inner = message_of(field.message_type, mangler, depth + 1)
                owner = getattr(message, field.name)
                owner.add().CopyFrom(inner) if field.is_repeated else owner.CopyFrom(inner)
    elif field.is_repeated:
        getattr(message, field.name).extend(_scalar(field, mangler) for _ in range(mangler.chance.randrange(4)))
    else:
        setattr(message, field.name, _scalar(field, mangler))


def _scalar(field: FieldDescriptor, mangler: Mangler) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return mangler.chance.randbytes(mangler.chance.choice((0, 1, 2, 3, 640, 5000)))
        case FieldDescriptor.CPPTYPE_STRING:
            return mangler.text(8)
        case FieldDescriptor.CPPTYPE_BOOL:
            return mangler.chance.random() < 0.5
        case FieldDescriptor.CPPTYPE_FLOAT | FieldDescriptor.CPPTYPE_DOUBLE:
            return mangler.chance.choice(FRACTIONS)
        case FieldDescriptor.CPPTYPE_ENUM if mangler.chance.random() < 0.8:
            return mangler.chance.choice([value.number for value in field.enum_type.values])
        case kind:
            least, most = _RANGES[kind]
            return min(most, max(least, mangler.chance.choice(NUMBERS)))
