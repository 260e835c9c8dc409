// What both drivers need: the task, the speech, the clock and the report.
import { readFileSync } from "node:fs";

const WAV_HEADER_BYTES = 44; // written by the test, always this plain form
const CHUNK_BYTES = 3200; // 100 ms at 16 kHz, 16 bit

export const task = JSON.parse(process.argv[2]);

export const report = (event, fields = {}) =>
  console.log(JSON.stringify({ event, ...fields }));

export const readSpeech = (path) => readFileSync(path).subarray(WAV_HEADER_BYTES);

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Gives pieces of the audio `pace` times as fast as they were spoken. */
export async function* chunks(audio, { pace, bytes = CHUNK_BYTES, ms = 100 }) {
  const begin = performance.now();
  for (let at = 0, index = 0; at < audio.length; at += bytes, index += 1) {
    await sleep(Math.max(0, begin + (index * ms) / pace - performance.now()));
    yield { chunk: audio.subarray(at, at + bytes), index };
  }
}

export const reportTranscript = ({ id, is_final, utterance }) =>
  report(is_final ? "final" : "partial", {
    id,
    text: utterance.text,
    channel: utterance.channel,
    language: utterance.language,
  });
