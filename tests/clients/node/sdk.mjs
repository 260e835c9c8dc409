// The official JavaScript SDK, with every kind of audio that sendAudio takes.
import { GladiaClient } from "@gladiaio/sdk";
import { chunks, readSpeech, report, reportTranscript, task } from "./common.mjs";

const kinds = [
  (chunk) => chunk, // Buffer
  (chunk) => chunk.buffer.slice(chunk.byteOffset, chunk.byteOffset + chunk.length), // ArrayBuffer
  (chunk) => [...chunk], // number[]
];

const client = new GladiaClient({ apiKey: task.key, apiUrl: task.url });
const session = client.liveV2().startSession({
  model: "solaria-1",
  encoding: "wav/pcm",
  sample_rate: 16000,
  bit_depth: 16,
  channels: 1,
  endpointing: 0.3,
  language_config: { languages: ["en"] },
  messages_config: { receive_partial_transcripts: true, receive_lifecycle_events: true },
});

const types = new Set();
session.on("message", (message) => {
  types.add(message.type);
  if (message.type === "transcript") reportTranscript(message.data);
});
session.on("error", (error) => report("error", { message: String(error) }));
session.once("started", ({ id, url }) => report("started", { id, url }));
const ended = new Promise((resolve) => session.once("ended", resolve));

for await (const { chunk, index } of chunks(readSpeech(task.audio), task)) {
  session.sendAudio(kinds[index % kinds.length](chunk));
}
session.stopRecording();
const { code } = await ended;
report("ended", { code, types: [...types].sort() });

const live = client.liveV2();
const job = await live.get(session.sessionId);
const file = await live.getFile(session.sessionId);
report("job", {
  status: job.status,
  transcript: job.result.transcription.full_transcript,
  file_bytes: file.byteLength,
});
