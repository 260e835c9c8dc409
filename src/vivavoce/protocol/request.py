"""The body of ``POST /v2/live``: every field, its default and its range. Contract §1.3."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from vivavoce.protocol.choices import Language, Model, TargetLanguage
from vivavoce.protocol.validation import InvalidParametersError, nesting, validated

MAX_METADATA_CHARACTERS = 2000
MAX_METADATA_LEVELS = 64
"""Deeper documents cannot be read by every client."""

MAX_LANGUAGES = 100
MAX_TARGET_LANGUAGES = 100
"""More than there are: clients list every language that they know."""

MAX_VOCABULARY = 1000
MAX_PRONUNCIATIONS = 50
MAX_SPELLINGS = 1000
MAX_VARIANTS = 50

ADD_ONS_WITH_CONFIG = ("custom_vocabulary", "custom_spelling", "translation")
"""Add-ons that cannot work without their configuration."""

Unit = Annotated[float, Meta(ge=0, le=1)]


class _Part(msgspec.Struct, frozen=True):
    """Base of every part of the request; unknown fields are ignored, as clients expect."""


class LanguageConfig(_Part, frozen=True):
    """Expected languages."""

    languages: Annotated[tuple[Language, ...], Meta(max_length=MAX_LANGUAGES)] = ()
    code_switching: bool = False


class PreProcessing(_Part, frozen=True):
    """Processing of the audio before recognition."""

    audio_enhancer: bool = False
    speech_threshold: Unit = 0.6


class VocabularyEntry(_Part, frozen=True):
    """A word or phrase to favour."""

    value: Annotated[str, Meta(min_length=1)]
    intensity: Unit | UnsetType = UNSET
    pronunciations: Annotated[tuple[str, ...], Meta(max_length=MAX_PRONUNCIATIONS)] | UnsetType = (
        UNSET
    )
    language: Language | UnsetType = UNSET


class CustomVocabularyConfig(_Part, frozen=True):
    """Words to favour; a string is an entry with that value."""

    vocabulary: Annotated[tuple[str | VocabularyEntry, ...], Meta(max_length=MAX_VOCABULARY)]
    default_intensity: Unit = 0.5


class CustomSpellingConfig(_Part, frozen=True):
    """Preferred spellings, each with the variants that it replaces."""

    spelling_dictionary: Annotated[
        dict[str, Annotated[tuple[str, ...], Meta(max_length=MAX_VARIANTS)]],
        Meta(max_length=MAX_SPELLINGS),
    ]


class TranslationConfig(_Part, frozen=True):
    """Target languages and style of translation."""

    target_languages: Annotated[
        tuple[TargetLanguage, ...], Meta(min_length=1, max_length=MAX_TARGET_LANGUAGES)
    ]
    model: Literal["base", "batch", "enhanced"] = "base"
    match_original_utterances: bool = True
    lipsync: bool = True
    context_adaptation: bool = True
    context: str | UnsetType = UNSET
    informal: bool = False


class RealtimeProcessing(_Part, frozen=True):
    """Add-ons that run on each final."""

    custom_vocabulary: bool = False
    custom_vocabulary_config: CustomVocabularyConfig | UnsetType = UNSET
    custom_spelling: bool = False
    custom_spelling_config: CustomSpellingConfig | UnsetType = UNSET
    translation: bool = False
    translation_config: TranslationConfig | UnsetType = UNSET
    named_entity_recognition: bool = False
    sentiment_analysis: bool = False


class SummarizationConfig(_Part, frozen=True):
    """Kind of summary."""

    type: Literal["general", "bullet_points", "concise"] = "general"


class PostProcessing(_Part, frozen=True):
    """Add-ons that run on the full transcript."""

    summarization: bool = False
    summarization_config: SummarizationConfig | UnsetType = UNSET
    chapterization: bool = False


class MessagesConfig(_Part, frozen=True):
    """Messages to send over the WebSocket."""

    receive_partial_transcripts: bool = False
    receive_final_transcripts: bool = True
    receive_speech_events: bool = True
    receive_pre_processing_events: bool = True
    receive_realtime_processing_events: bool = True
    receive_post_processing_events: bool = True
    receive_acknowledgments: bool = True
    receive_errors: bool = True
    receive_lifecycle_events: bool = False
    mark_stable_words: bool | UnsetType = UNSET


class CallbackConfig(_Part, frozen=True):
    """URL of callbacks, and the messages to send to it."""

    url: str | UnsetType = UNSET
    receive_partial_transcripts: bool = False
    receive_final_transcripts: bool = True
    receive_speech_events: bool = False
    receive_pre_processing_events: bool = True
    receive_realtime_processing_events: bool = True
    receive_post_processing_events: bool = True
    receive_acknowledgments: bool = False
    receive_errors: bool = False
    receive_lifecycle_events: bool = True


class InitRequest(_Part, frozen=True):
    """Configuration of a session, with defaults applied."""

    encoding: Literal["wav/pcm", "wav/alaw", "wav/ulaw"] = "wav/pcm"
    bit_depth: Literal[8, 16, 24, 32] = 16
    sample_rate: Literal[8000, 16000, 32000, 44100, 48000] = 16000
    channels: Annotated[int, Meta(ge=1, le=8)] = 1
    custom_metadata: dict[str, Any] | UnsetType = UNSET
    model: Model = "solaria-1"
    endpointing: Annotated[float, Meta(ge=0.01, le=10)] = 0.05
    maximum_duration_without_endpointing: Annotated[float, Meta(ge=5, le=60)] = 5
    language_config: LanguageConfig = LanguageConfig()
    pre_processing: PreProcessing = PreProcessing()
    realtime_processing: RealtimeProcessing = RealtimeProcessing()
    post_processing: PostProcessing = PostProcessing()
    messages_config: MessagesConfig = MessagesConfig()
    callback: bool = False
    callback_config: CallbackConfig | UnsetType = UNSET


def parse_init(body: bytes) -> InitRequest:
    """Read and check an init body; an empty body means every default.

    Raises:
        InvalidParametersError: with one text per fault, each beginning with the field's path.
    """
    request = validated(InitRequest, body or b"{}")
    faults = [*_add_on_faults(request.realtime_processing), *_metadata_faults(request)]
    if request.callback and not _is_http_url(request.callback_config):
        faults.append("callback_config.url must be an http or https URL when callback is true")
    if faults:
        raise InvalidParametersError(faults)
    return request


def _add_on_faults(add_ons: RealtimeProcessing) -> list[str]:
    """An add-on that cannot work without its configuration must have one."""
    return [
        f"realtime_processing.{name}_config is required when {name} is true"
        for name in ADD_ONS_WITH_CONFIG
        if getattr(add_ons, name) and getattr(add_ons, f"{name}_config") is UNSET
    ]


def _metadata_faults(request: InitRequest) -> list[str]:
    if request.custom_metadata is UNSET:
        return []
    if fault := nesting_fault("custom_metadata", request.custom_metadata):
        return [fault]
    size = len(msgspec.json.encode(request.custom_metadata).decode())
    if size <= MAX_METADATA_CHARACTERS:
        return []
    limit = f"shorter than or equal to {MAX_METADATA_CHARACTERS} characters when serialised"
    return [f"custom_metadata must be {limit}, it has {size}"]


def nesting_fault(name: str, metadata: dict[str, Any]) -> str | None:
    """What is wrong with metadata that is nested too deeply."""
    if nesting(metadata) <= MAX_METADATA_LEVELS:
        return None
    return f"{name} must be nested at most {MAX_METADATA_LEVELS} levels deep"


def _is_http_url(config: CallbackConfig | UnsetType) -> bool:
    if config is UNSET or config.url is UNSET:
        return False
    try:
        parts = urlsplit(config.url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
