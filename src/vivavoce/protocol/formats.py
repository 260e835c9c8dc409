"""Wire values that are texts or JSON documents to msgspec and more than that to a reader.

What stands here shows in the published schemas and checks nothing.
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
