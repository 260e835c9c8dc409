// The documented steps without an SDK: init, connect, send, read, stop, get. Plain fetch and ws.
// The audio of the tracks is interleaved into channels and sent as binary and as base64 in turn.
import WebSocket from "ws";
import { chunks, readSpeech, report, reportTranscript, task } from "./common.mjs";

const BYTES_PER_SAMPLE = 2;

function interleave(tracks) {
  const samples = Math.max(...tracks.map((track) => track.length)) / BYTES_PER_SAMPLE;
  const merged = Buffer.alloc(samples * tracks.length * BYTES_PER_SAMPLE);
  tracks.forEach((track, channel) => {
    for (let at = 0; at < track.length; at += BYTES_PER_SAMPLE) {
      track.copy(merged, at * tracks.length + channel * BYTES_PER_SAMPLE, at, at + BYTES_PER_SAMPLE);
    }
  });
  return merged;
}

async function call(method, path, body) {
  const response = await fetch(task.url + path, {
    method,
    headers: { "Content-Type": "application/json", "x-gladia-key": task.key },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
}

const audio = interleave(task.tracks.map(readSpeech));
const channels = task.tracks.length;
const { id, url } = await call("POST", "/v2/live", {
  encoding: "wav/pcm",
  sample_rate: 16000,
  bit_depth: 16,
  channels,
});
report("started", { id, url });

const socket = new WebSocket(url);
let acknowledged = 0;
socket.addEventListener("message", ({ data }) => {
  const message = JSON.parse(data.toString());
  if (message.type === "transcript") reportTranscript(message.data);
  if (message.type === "audio_chunk") acknowledged = message.data.byte_range[1];
});
socket.addEventListener("error", ({ message }) => report("error", { message }));
const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
await new Promise((resolve) => socket.addEventListener("open", resolve));

for await (const { chunk, index } of chunks(audio, { ...task, bytes: 3200 * channels })) {
  const base64 = { type: "audio_chunk", data: { chunk: chunk.toString("base64") } };
  socket.send(index % 2 ? JSON.stringify(base64) : chunk);
}
socket.send(JSON.stringify({ type: "stop_recording" }));
const { code } = await closed;
report("closed", { code, acknowledged, sent: audio.length });

const job = await call("GET", `/v2/live/${id}`);
report("job", { status: job.status, transcript: job.result?.transcription.full_transcript });
