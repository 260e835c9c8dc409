"""What an empty init body means, as the contract (§1.3) has it: a literal, apart from the code."""

from typing import Any

DEFAULTS: dict[str, Any] = {
    "encoding": "wav/pcm",
    "bit_depth": 16,
    "sample_rate": 16000,
    "channels": 1,
    "model": "solaria-1",
    "endpointing": 0.05,
    "maximum_duration_without_endpointing": 5,
    "language_config": {"languages": [], "code_switching": False},
    "pre_processing": {"audio_enhancer": False, "speech_threshold": 0.6},
    "realtime_processing": {
        "custom_vocabulary": False,
        "custom_spelling": False,
        "translation": False,
        "named_entity_recognition": False,
        "sentiment_analysis": False,
    },
    "post_processing": {"summarization": False, "chapterization": False},
    "messages_config": {
        "receive_partial_transcripts": False,
        "receive_final_transcripts": True,
        "receive_speech_events": True,
        "receive_pre_processing_events": True,
        "receive_realtime_processing_events": True,
        "receive_post_processing_events": True,
        "receive_acknowledgments": True,
        "receive_errors": True,
        "receive_lifecycle_events": False,
    },
    "callback": False,
}
