// The official JavaScript SDK whose line breaks after the stop and whose session has ended when it
// comes back: its events with their times, from the break on as the server tells them.
import { GladiaClient } from "@gladiaio/sdk";
import { report, sleep, task } from "./common.mjs";

const client = new GladiaClient({ apiKey: task.key, apiUrl: task.url });
const session = client.liveV2().startSession({ sample_rate: 16000, channels: 1 });
for (const event of ["started", "connecting", "connected", "ending", "ended", "error"]) {
  session.on(event, (value) =>
    report(event, { at: Date.now() / 1000, code: value?.code, message: String(value?.message ?? "") }),
  );
}
const ended = new Promise((resolve) => session.once("ended", resolve));
for (let index = 0; index < 10; index += 1) {
  session.sendAudio(Buffer.alloc(3200, index));
  await sleep(20);
}
session.stopRecording();
await Promise.race([ended, sleep(task.limit * 1000)]);
report("over", { at: Date.now() / 1000 });
process.exit(0);
