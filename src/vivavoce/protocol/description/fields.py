"""What the fields of the wire mean, in a sentence each, where the name does not say it all."""

DESCRIPTIONS = {
    "InitRequest.encoding": "Encoding of the samples. A-law and µ-law are always 8-bit.",
    "InitRequest.bit_depth": "Bits per PCM sample: 8-bit samples are unsigned, the others "
    "signed and little-endian.",
    "InitRequest.sample_rate": "Samples per second of each channel.",
    "InitRequest.channels": "Number of interleaved channels; each is transcribed separately.",
    "InitRequest.custom_metadata": (
        "Any JSON object, at most 2000 characters when serialised and 64 levels deep; it is "
        "returned with the session, and lists can be filtered by it."
    ),
    "InitRequest.model": (
        "`fast`: the fastest model for the language. `accurate`: finals by the most accurate "
        "model, partials by the fastest. Every other name: the server's default. If the server "
        "has only one model for the language, every name selects it."
    ),
    "InitRequest.endpointing": "Seconds of silence that end an utterance.",
    "InitRequest.maximum_duration_without_endpointing": (
        "Maximum seconds per utterance; a longer one is split at its quietest point near the end."
    ),
    "InitRequest.callback": "Whether messages are also posted to `callback_config.url`.",
    "LanguageConfig.languages": (
        "Expected languages; empty for any. Other spellings of a code are accepted (`EN`, "
        "`pt_BR`, `zh-CN`)."
    ),
    "LanguageConfig.code_switching": "Whether the language may change between utterances.",
    "PreProcessing.speech_threshold": "Minimum probability of voice activity detection for speech.",
    "CustomVocabularyConfig.default_intensity": "Intensity of entries that do not state one.",
    "VocabularyEntry.intensity": "0 changes nothing; above 0.6 other words may be replaced.",
    "VocabularyEntry.pronunciations": "Spellings of its pronunciations.",
    "CustomSpellingConfig.spelling_dictionary": "Preferred spellings, each with the variants "
    "that it replaces.",
    "MessagesConfig.receive_partial_transcripts": "`transcript` with `is_final` false.",
    "MessagesConfig.receive_final_transcripts": "`transcript` with `is_final` true.",
    "MessagesConfig.receive_speech_events": "`speech_start` and `speech_end`.",
    "MessagesConfig.receive_pre_processing_events": "No effect: there are no such messages. "
    "Accepted for compatibility.",
    "MessagesConfig.receive_realtime_processing_events": "Messages of add-ons on finals.",
    "MessagesConfig.receive_post_processing_events": "`post_transcript` and the like.",
    "MessagesConfig.receive_acknowledgments": "`audio_chunk`, `stop_recording` and `finalize`.",
    "MessagesConfig.receive_errors": "`error`.",
    "MessagesConfig.receive_lifecycle_events": (
        "`start_session`, `start_recording`, `end_recording`, `end_session`."
    ),
    "MessagesConfig.mark_stable_words": (
        "An extension: whether partials state in `stable_words` which of their words later "
        "partials keep."
    ),
    "InitAnswer.id": "ID of the session and its result.",
    "InitAnswer.url": "WebSocket URL. Its token authenticates the client; keep it secret.",
    "ErrorBody.path": "The requested path.",
    "ErrorBody.request_id": "ID of this request in the server's log.",
    "ErrorBody.statusCode": "The HTTP status.",
    "ErrorBody.validation_errors": "One text per fault, beginning with the field's path.",
    "Job.status": "`queued` until the first audio, `processing` until the result is stored.",
    "Job.completed_at": "Time of its end; null before.",
    "Job.error_code": "Why it failed, as an HTTP status; null otherwise.",
    "Job.post_session_metadata": "Metadata stored by PATCH.",
    "Job.request_params": "The request with its defaults, without `custom_metadata`.",
    "Job.result": "The result; null until `done`, and in lists.",
    "JobPage.next": "The next page; null on the last.",
    "File.audio_duration": "Seconds.",
    "ResultMetadata.audio_duration": "Seconds of audio received.",
    "ResultMetadata.billing_time": "`audio_duration` times the number of channels.",
    "Failure.status_code": "The most suitable HTTP status.",
    "Failure.exception": "The name of the error, such as `ConflictError`.",
    "ResultMetadata.transcription_time": "Seconds from the session's first audio to its result.",
    "Result.messages": "Every message sent, each as JSON text.",
    "Transcription.languages": "From the most to the least frequent.",
    "Utterance.start": "Seconds from the start of the session's audio.",
    "Utterance.end": "Seconds from the start of the session's audio.",
    "Utterance.text": "Begins with a space.",
    "Word.word": "Begins with a space; the concatenated words are the text.",
    "Word.start": "Seconds from the start of the session's audio.",
    "Word.end": "Seconds from the start of the session's audio.",
    "ChunkRange.byte_range": (
        "First byte of the chunk and the byte after its last, counted over the whole session."
    ),
    "ChunkRange.time_range": "The same in seconds.",
    "AudioChunkAck.acknowledged": "Whether the chunk is on disk.",
    "AudioChunkAck.error": "Why the chunk was refused; null otherwise.",
    "AudioChunkAck.data": "Position of the chunk; null if it was refused.",
    "StopRecordingAck.error": "Why the stop was refused; null otherwise.",
    "Finalize.data": "Channel to finalize; null or absent: every channel.",
    "FinalizeData.channel": "The only channel to finalize; null or absent: every channel.",
    "FinalizeAck.acknowledged": "Whether the position is on disk; the finals follow.",
    "FinalizeAck.error": "Why the message was refused; null otherwise.",
    "FinalizeAck.data": "Position at which the open utterances end; null if the message was "
    "refused.",
    "FinalizedMoment.time": (
        "Seconds of audio received before the message; later audio belongs to other utterances."
    ),
    "FinalizedMoment.channel": "The finalized channel; null: every channel.",
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
        "An extension, in partials of sessions with `mark_stable_words`: the number of words at"
        " the beginning that every later partial of the utterance repeats unchanged on this "
        "connection. The final may still differ."
    ),
    "ChunkData.chunk": (
        "Base64; empty to keep the connection open. White space, the URL-safe alphabet and "
        "missing padding are accepted. The rest of the message is limited to 65,536 bytes."
    ),
}
