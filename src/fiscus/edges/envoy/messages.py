"""Envoy's messages, as far as this door reads and writes them, from a table of field numbers; no generated code.

Field numbers and types are those of Envoy's published API: envoy/service/auth/v3/external_auth.proto and attribute_context.proto,
envoy/service/ext_proc/v3/external_processor.proto, envoy/config/core/v3/base.proto, envoy/type/v3/http_status.proto; of
google/rpc/status.proto; and of the gRPC health checking protocol (grpc/health/v1/health.proto). What is left out of a message
passes as an unknown field, which is what protobuf promises. The messages live in a pool of their own, so that a process that
has Envoy's generated classes as well is not disturbed.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

# Message -> field -> (number, type). A type is a scalar, or the name of a message; `*` repeats, `map` is string -> string,
# `oneof:` stands in a oneof of that message.
_TABLE: Final[dict[str, dict[str, tuple[int, str]]]] = {
    # envoy.service.auth.v3
    "CheckRequest": {"attributes": (1, "AttributeContext")},
    "AttributeContext": {"request": (4, "AttributeRequest"), "context_extensions": (10, "map")},
    "AttributeRequest": {"http": (2, "AttributeHttp")},
    "AttributeHttp": {
        "id": (1, "string"), "method": (2, "string"), "headers": (3, "map"), "path": (4, "string"), "host": (5, "string"),
        "scheme": (6, "string"), "size": (9, "int64"), "protocol": (10, "string"), "body": (11, "string"),
        "raw_body": (12, "bytes"),
    },
    "CheckResponse": {
        "status": (1, "Status"), "denied_response": (2, "oneof:DeniedHttpResponse"), "ok_response": (3, "oneof:OkHttpResponse"),
    },
    "DeniedHttpResponse": {"status": (1, "HttpStatus"), "headers": (2, "*HeaderValueOption"), "body": (3, "string")},
    "OkHttpResponse": {
        "headers": (2, "*HeaderValueOption"), "headers_to_remove": (5, "*string"),
        "response_headers_to_add": (6, "*HeaderValueOption"),
    },
    "Status": {"code": (1, "int32"), "message": (2, "string")},
    "HttpStatus": {"code": (1, "int32")},
    "HeaderValue": {"key": (1, "string"), "value": (2, "string"), "raw_value": (3, "bytes")},
    "HeaderValueOption": {"header": (1, "HeaderValue"), "append_action": (3, "int32")},
    "HeaderMap": {"headers": (1, "*HeaderValue")},
    # envoy.service.ext_proc.v3
    "ProcessingRequest": {
        "request_headers": (2, "oneof:HttpHeaders"), "response_headers": (3, "oneof:HttpHeaders"),
        "request_body": (4, "oneof:HttpBody"), "response_body": (5, "oneof:HttpBody"),
        "request_trailers": (6, "oneof:HttpTrailers"), "response_trailers": (7, "oneof:HttpTrailers"),
        "observability_mode": (10, "bool"),
    },
    "ProcessingResponse": {
        "request_headers": (1, "oneof:Nothing"), "response_headers": (2, "oneof:Nothing"), "request_body": (3, "oneof:Nothing"),
        "response_body": (4, "oneof:Nothing"), "request_trailers": (5, "oneof:Nothing"),
        "response_trailers": (6, "oneof:Nothing"),
    },
    "HttpHeaders": {"headers": (1, "HeaderMap"), "end_of_stream": (3, "bool")},
    "HttpBody": {"body": (1, "bytes"), "end_of_stream": (2, "bool")},
    "HttpTrailers": {"trailers": (1, "HeaderMap")},
    "Nothing": {},  # an answer that changes nothing: HeadersResponse, BodyResponse and TrailersResponse, empty
    # grpc.health.v1
    "HealthCheckRequest": {"service": (1, "string")},
    "HealthCheckResponse": {"status": (1, "int32")},
}  # fmt: skip
_SCALARS: Final = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
}
_PACKAGE: Final = "fiscus.envoy"
Message = Any  # its fields are made at run time


def _built() -> dict[str, type[Message]]:
    file = FileDescriptorProto(name="fiscus/envoy.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _TABLE.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add(message, field, number, kind)
    pool = DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _TABLE}  # type: ignore[no-untyped-call]


def _add(message: DescriptorProto, name: str, number: int, kind: str) -> None:
    field = message.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
    if kind.startswith("oneof:"):
        if not message.oneof_decl:
            message.oneof_decl.add(name="one")
        field.oneof_index, kind = 0, kind.removeprefix("oneof:")
    if kind.startswith("*") or kind == "map":
        field.label, kind = FieldDescriptorProto.LABEL_REPEATED, kind.removeprefix("*")
    if kind == "map":
        entry = message.nested_type.add(name=f"{''.join(part.title() for part in name.split('_'))}Entry")
        entry.options.map_entry = True
        _add(entry, "key", 1, "string")
        _add(entry, "value", 2, "string")
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{_PACKAGE}.{message.name}.{entry.name}"
    elif kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"


_CLASSES: Final = _built()
CheckRequest: Final = _CLASSES["CheckRequest"]
CheckResponse: Final = _CLASSES["CheckResponse"]
ProcessingRequest: Final = _CLASSES["ProcessingRequest"]
ProcessingResponse: Final = _CLASSES["ProcessingResponse"]
HealthCheckRequest: Final = _CLASSES["HealthCheckRequest"]
HealthCheckResponse: Final = _CLASSES["HealthCheckResponse"]
