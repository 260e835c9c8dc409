"""Every HTTP operation as data: what it takes, and what it answers with which status."""

from dataclasses import dataclass, field
from typing import get_args

from vivavoce.protocol.description.schemas import Schema, ref
from vivavoce.protocol.errors import ErrorBody
from vivavoce.protocol.request import InitRequest
from vivavoce.protocol.result import InitAnswer, Job, JobPage, Status
from vivavoce.protocol.webhooks import NewWebhook, Webhook, WebhookList, WebhookTest

JSON = "application/json"

REFUSALS = {
    400: "The body or a parameter is invalid; `validation_errors` lists every fault.",
    401: "No API key, or an unknown one.",
    403: "A client has connected to the session, and the session has not ended yet.",
    404: "The session does not exist or belongs to another key.",
    413: "The body is too large.",
    422: "No installed model can serve the request, or the callback URL is not allowed.",
    429: "The key has reached its limit of sessions, or the server is at capacity.",
    503: "The server cannot store sessions at the moment; retry later.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes with one status; ``content`` by media type, ``links`` to other operations."""

    description: str
    content: dict[str, Schema] = field(default_factory=dict)
    links: dict[str, Schema] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        body: schema of the JSON body; ``must_have_body`` says whether it may be left out.
        public: whether it answers without an API key.
    """

    method: str
    path: str
    name: str
    summary: str
    answers: dict[int, Answer]
    parameters: tuple[Schema, ...] = ()
    body: Schema | None = None
    must_have_body: bool = False
    public: bool = False


def _refused(*statuses: int, **words: str) -> dict[int, Answer]:
    """Answers with the common error body; ``words`` such as ``s404`` describe some differently."""
    texts = {status: words.get(f"s{status}", REFUSALS[status]) for status in statuses}
    return {status: Answer(text, {JSON: ref(ErrorBody)}) for status, text in texts.items()}


def _query(name: str, description: str, schema: Schema, **more: object) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


SESSION_ID: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "ID of the session.",
    "schema": {"type": "string", "format": "uuid"},
}
WEBHOOK_ID: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "ID of the endpoint.",
    "schema": {"type": "string", "pattern": "^ep_[0-9a-f]{32}$"},
}
MANY_TESTS = "The key has sent too many tests; `Retry-After` states when the next one is allowed."
NO_WEBHOOK = "The endpoint does not exist or belongs to another key."
DAY_OR_MOMENT: Schema = {
    "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]
}
FILTERS = (
    _query("offset", "Sessions to skip.", {"type": "integer", "minimum": 0, "default": 0}),
    _query(
        "limit",
        "Sessions per page; values above 100 mean 100. A page that would exceed 1 MiB has fewer.",
        {"type": "integer", "minimum": 1, "default": 20},
    ),
    _query("date", "Created on this day (UTC).", DAY_OR_MOMENT),
    _query(
        "before_date", "Created before this time; UTC unless it contains an offset.", DAY_OR_MOMENT
    ),
    _query(
        "after_date",
        "Created at or after this time; UTC unless it contains an offset.",
        DAY_OR_MOMENT,
    ),
    _query(
        "status",
        "In any of these states.",
        {"type": "array", "items": {"enum": list(get_args(Status))}},
        style="form",
        explode=True,
    ),
    _query(
        "custom_metadata",
        "Metadata to look for, compared as text: `custom_metadata[key]=value`. "
        '`custom_metadata={"key":…}` is understood too, nested objects and any key included.',
        {
            "type": "object",
            "propertyNames": {"pattern": r"^[^\[\]]+$"},
            "additionalProperties": {"type": "string"},
        },
        style="deepObject",
        explode=True,
    ),
)


def _link(operation: str, **parameters: str) -> Schema:
    return {"operationId": operation, "parameters": parameters}


NEW_ID = "$response.body#/id"
BYTES = {"application/octet-stream": {"type": "string", "format": "binary"}}
HEALTH: Schema = {
    "type": "object",
    "properties": {"health": {"const": "OK"}},
    "required": ["health"],
}
READINESS: Schema = {
    "type": "object",
    "properties": {
        "ready": {"type": "boolean"},
        "journal": {"type": "string", "description": "`OK`, or the fault."},
        "engines": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Workers that are ready, by model.",
        },
    },
    "required": ["ready"],
}
READY_DETAILS = (
    "All fields except `ready` are omitted unless a process of the same machine asks "
    "without a proxy, or an API key is sent."
)

OPERATIONS = (
    Operation(
        method="post",
        path="/v2/live",
        name="createSession",
        summary="Create a session",
        answers={
            201: Answer(
                "The session and its WebSocket URL.",
                {JSON: ref(InitAnswer)},
                links={
                    name: _link(name, id=NEW_ID)
                    for name in ("getSession", "deleteSession", "annotateSession")
                },
            ),
            **_refused(400, 401, 413, 422, 429, 503),
        },
        body=ref(InitRequest),
        parameters=(
            _query(
                "region",
                "Accepted for compatibility and ignored: the data stays on this server.",
                {"type": "string"},
            ),
        ),
    ),
    Operation(
        method="get",
        path="/v2/live",
        name="listSessions",
        summary="List sessions, newest first",
        answers={
            200: Answer("A page; `next` is the URL of the next page.", {JSON: ref(JobPage)}),
            **_refused(400, 401, 503),
        },
        parameters=FILTERS,
    ),
    Operation(
        method="get",
        path="/v2/pre-recorded",
        name="listPreRecorded",
        summary="Return an empty list, for applications that check a key with this request",
        answers={
            200: Answer("A page without items.", {JSON: ref(JobPage)}),
            **_refused(400, 401),
        },
        parameters=FILTERS,
    ),
    Operation(
        method="get",
        path="/v2/live/{id}",
        name="getSession",
        summary="Show a session and its result",
        answers={200: Answer("The session.", {JSON: ref(Job)}), **_refused(401, 404, 503)},
        parameters=(SESSION_ID,),
    ),
    Operation(
        method="delete",
        path="/v2/live/{id}",
        name="deleteSession",
        summary="Delete a session that has ended or never had a connection, with all its data",
        answers={
            202: Answer("Deleted.", links={"isGone": _link("getSession", id="$request.path.id")}),
            **_refused(401, 403, 404, 503),
        },
        parameters=(SESSION_ID,),
    ),
    Operation(
        method="patch",
        path="/v2/live/{id}",
        name="annotateSession",
        summary="Store metadata of a session",
        answers={
            204: Answer(
                "Stored as `post_session_metadata`, replacing earlier values.",
                links={"shown": _link("getSession", id="$request.path.id")},
            ),
            **_refused(400, 401, 404, 413, 503),
        },
        body={"type": "object", "description": "Any JSON object of at most 100 kB and 64 levels."},
        must_have_body=True,
        parameters=(SESSION_ID,),
    ),
    Operation(
        method="get",
        path="/v2/live/{id}/file",
        name="getRecording",
        summary="Download the recording of a finished session",
        answers={
            200: Answer("A WAV file with the audio as sent.", content=BYTES),
            **_refused(401, 404, 503),
        },
        parameters=(SESSION_ID,),
    ),
    Operation(
        method="post",
        path="/vivavoce/webhooks",
        name="addWebhook",
        summary="Add a webhook endpoint for the lifecycle events of this key's sessions",
        answers={
            201: Answer(
                "The endpoint with its signing secret.",
                {JSON: ref(Webhook)},
                links={
                    name: _link(name, id=NEW_ID)
                    for name in (
                        *("testWebhook", "enableWebhook", "renewWebhookSecret"),
                        "removeWebhook",
                    )
                },
            ),
            **_refused(
                *(400, 401, 413, 422, 503),
                s422="The URL is not allowed, or the key already has 20 endpoints.",
            ),
        },
        body=ref(NewWebhook),
        must_have_body=True,
    ),
    Operation(
        method="get",
        path="/vivavoce/webhooks",
        name="listWebhooks",
        summary="List the webhook endpoints of this key",
        answers={200: Answer("The endpoints.", {JSON: ref(WebhookList)}), **_refused(401, 503)},
    ),
    Operation(
        method="delete",
        path="/vivavoce/webhooks/{id}",
        name="removeWebhook",
        summary="Remove a webhook endpoint and its pending messages",
        answers={204: Answer("Deleted."), **_refused(401, 404, 503, s404=NO_WEBHOOK)},
        parameters=(WEBHOOK_ID,),
    ),
    Operation(
        method="post",
        path="/vivavoce/webhooks/{id}/test",
        name="testWebhook",
        summary="Send a test event to a webhook endpoint",
        answers={
            200: Answer("The result of the test.", {JSON: ref(WebhookTest)}),
            **_refused(401, 404, 429, 503, s404=NO_WEBHOOK, s429=MANY_TESTS),
        },
        parameters=(WEBHOOK_ID,),
    ),
    Operation(
        method="post",
        path="/vivavoce/webhooks/{id}/enable",
        name="enableWebhook",
        summary="Enable a disabled webhook endpoint",
        answers={
            200: Answer("The endpoint.", {JSON: ref(Webhook)}),
            **_refused(401, 404, 503, s404=NO_WEBHOOK),
        },
        parameters=(WEBHOOK_ID,),
    ),
    Operation(
        method="post",
        path="/vivavoce/webhooks/{id}/secret",
        name="renewWebhookSecret",
        summary="Create a new secret for a webhook endpoint; the previous secret keeps signing "
        "beside it",
        answers={
            200: Answer("The endpoint with its new secret.", {JSON: ref(Webhook)}),
            **_refused(401, 404, 503, s404=NO_WEBHOOK),
        },
        parameters=(WEBHOOK_ID,),
    ),
    Operation(
        method="get",
        path="/health",
        name="health",
        summary="Check that the process responds",
        answers={200: Answer("The process responds.", {JSON: HEALTH})},
        public=True,
    ),
    Operation(
        method="get",
        path="/ready",
        name="ready",
        summary="Check that models are loaded and audio can be stored",
        answers={
            200: Answer(f"Ready. {READY_DETAILS}", {JSON: READINESS}),
            503: Answer(f"Not ready. {READY_DETAILS}", {JSON: READINESS}),
            **_refused(401, s401="An unknown API key was sent."),
        },
        public=True,
    ),
)

WRITTEN = (InitAnswer, JobPage, ErrorBody, Webhook, WebhookList, WebhookTest)
READ = (InitRequest, NewWebhook)
