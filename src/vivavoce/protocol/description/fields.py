"""What the fields of the wire mean, in a sentence each, where the name does not say it all."""

DESCRIPTIONS = {
    "InitRequest.encoding": "How samples are written. A-law and µ-law are always 8-bit.",
    "InitRequest.bit_depth": "Bits of a PCM sample: 8 unsigned, the others signed, little-endian.",
    "InitRequest.sample_rate": "Samples per second of each channel.",
    "InitRequest.channels": "Interleaved channels; each is transcribed on its own.",
    "InitRequest.custom_metadata": (
        "Any JSON object, at most 2000 characters when serialised and 64 levels deep; "
        "it comes back with the session and sessions can be listed by it."
    ),
    "InitRequest.model": (
        "`fast`: the model that takes the least time. `accurate`: finals by the model with the "
        "fewest errors, partials by the fast one. Every other name: the server's default. All for "
        "the language; where the server has one model for it, every name means that one."
    ),
    "InitRequest.endpointing": "Seconds of silence that end an utterance.",
    "InitRequest.maximum_duration_without_endpointing": (
        "Seconds of speech after which an utterance is cut at its quietest late point."
    ),
    "InitRequest.callback": "Whether messages are also posted to `callback_config.url`.",
    "LanguageConfig.languages": (
        "The languages that may be heard; empty for any. "
        "Other spellings of a code are understood (`EN`, `pt_BR`, `zh-CN`)."
    ),
    "LanguageConfig.code_switching": "Whether each utterance may be in another language.",
    "PreProcessing.speech_threshold": "How sure voice detection must be that somebody speaks.",
    "CustomVocabularyConfig.default_intensity": "For entries without an intensity of their own.",
    "VocabularyEntry.intensity": "0 changes nothing; above 0.6 other words may be replaced.",
    "VocabularyEntry.pronunciations": "Spellings of what it sounds like.",
    "CustomSpellingConfig.spelling_dictionary": "Wanted spelling to the variants it replaces.",
    "MessagesConfig.receive_partial_transcripts": "`transcript` with `is_final` false.",
    "MessagesConfig.receive_final_transcripts": "`transcript` with `is_final` true.",
    "MessagesConfig.receive_speech_events": "`speech_start` and `speech_end`.",
    "MessagesConfig.receive_pre_processing_events": "There is no such message; for compatibility.",
    "MessagesConfig.receive_realtime_processing_events": "Messages of add-ons on finals.",
    "MessagesConfig.receive_post_processing_events": "`post_transcript` and the like.",
    "MessagesConfig.receive_acknowledgments": "`audio_chunk`, `stop_recording` and `finalize`.",
    "MessagesConfig.receive_errors": "`error`.",
    "MessagesConfig.receive_lifecycle_events": (
        "`start_session`, `start_recording`, `end_recording`, `end_session`."
    ),
    "MessagesConfig.mark_stable_words": (
        "An extension: whether partials say in `stable_words` which of their words stay."
    ),
    "InitAnswer.id": "The session; its result is kept under this id.",
    "InitAnswer.url": "WebSocket address. Its token lets whoever has it speak for the client.",
    "ErrorBody.path": "The path that was asked for.",
    "ErrorBody.request_id": "Names this request in the server's log.",
    "ErrorBody.statusCode": "The HTTP status again.",
    "ErrorBody.validation_errors": "One text per fault, beginning with the field's path.",
    "Job.status": "`queued` until the first audio, `processing` until the result is stored.",
    "Job.completed_at": "When it ended; null before.",
    "Job.error_code": "Why it failed, as an HTTP status; null otherwise.",
    "Job.post_session_metadata": "What was stored by PATCH.",
    "Job.request_params": "The request with its defaults, without `custom_metadata`.",
    "Job.result": "What was found; null until `done`, and in lists.",
    "JobPage.next": "The next page; null on the last.",
    "File.audio_duration": "Seconds.",
    "ResultMetadata.audio_duration": "Seconds of audio received.",
    "ResultMetadata.billing_time": "`audio_duration` times channels.",
    "Failure.status_code": "The HTTP status that fits the error best.",
    "Failure.exception": "The name of the error, such as `ConflictError`.",
    "ResultMetadata.transcription_time": "Seconds from the session's first audio to its result.",
    "Result.messages": "Every message that was sent, each as JSON text.",
    "Transcription.languages": "From the most to the least frequent.",
    "Utterance.start": "Seconds from the start of the session's audio.",
    "Utterance.end": "Seconds from the start of the session's audio.",
    "Utterance.text": "Begins with a space.",
    "Word.word": "Begins with a space; words joined give the text.",
    "Word.start": "Seconds from the start of the session's audio.",
    "Word.end": "Seconds from the start of the session's audio.",
    "ChunkRange.byte_range": (
        "First byte of the chunk and the byte after its last, counted over the whole session."
    ),
    "ChunkRange.time_range": "The same in seconds.",
    "AudioChunkAck.acknowledged": "Whether the chunk is on disk.",
    "AudioChunkAck.error": "Why the chunk was refused; null otherwise.",
    "AudioChunkAck.data": "Where the chunk stands; null if it was refused.",
    "StopRecordingAck.error": "Why the stop was refused; null otherwise.",
    "Finalize.data": "Which channel; null or absent: every channel.",
    "FinalizeData.channel": "The only channel that is meant; null or absent: every channel.",
    "FinalizeAck.acknowledged": "Whether the place is on disk; the finals follow.",
    "FinalizeAck.error": "Why it was refused; null otherwise.",
    "FinalizeAck.data": "Where the open utterances ended; null if it was refused.",
    "FinalizedMoment.time": (
        "Seconds of audio that came before it; what came later belongs to other utterances."
    ),
    "FinalizedMoment.channel": "The channel that was named; null: every channel.",
    "RecordingDurations.recording_duration": "Seconds of audio received.",
    "RecordingDurations.recording_left_to_process": "Seconds of it not yet transcribed.",
    "RecordingDuration.recording_duration": "Seconds of audio received.",
    "SpeechMoment.time": "Seconds from the start of the session's audio.",
    "TranscriptData.id": (
        "The utterance: its channel, an underscore, and a counter. "
        "Partials and the final of an utterance share it."
    ),
    "TranscriptData.is_final": "A final never changes; a partial may.",
    "TranscriptData.stable_words": (
        "An extension, in partials, where `mark_stable_words` asks for it: so many words, from the "
        "first, begin every later partial of the utterance on this connection, unchanged. The "
        "final may still differ."
    ),
    "ChunkData.chunk": (
        "Base64; empty to keep the connection open. White space, the URL-safe alphabet and missing "
        "padding are accepted. Everything beside it may have 65,536 bytes."
    ),
}
