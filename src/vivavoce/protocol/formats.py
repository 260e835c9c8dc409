"""Formats of wire values that msgspec treats as plain texts or JSON documents.

They appear in the published schemas; nothing is validated against them.
"""

from typing import Annotated, Any

import msgspec


def _shown(**schema: Any) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema=schema)


Instant = Annotated[str, _shown(format="date-time")]
Uuid = Annotated[str, _shown(format="uuid")]
Uri = Annotated[str, _shown(format="uri")]
Share = Annotated[float, _shown(minimum=0, maximum=1)]
Index = Annotated[int, _shown(minimum=0)]
Seconds = Annotated[float, _shown(minimum=0)]

RawObject = Annotated[msgspec.Raw, _shown(type="object")]
"""A JSON object that is handed through as it came."""
RawRequest = Annotated[msgspec.Raw, _shown(**{"$ref": "#/components/schemas/InitRequest"})]
RawResult = Annotated[msgspec.Raw, _shown(**{"$ref": "#/components/schemas/Result"})]
