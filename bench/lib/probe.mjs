// Loaded into a server process before the server (`node --import`), which is unaware of it. Responds to requests of the bench
// over the IPC channel.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { isMainThread } from 'node:worker_threads';

const SAMPLING_INTERVAL_US = 500;
const session = new Session();

const TURN_SAMPLE_MS = 1;
let turns;
let longestTurn = 0;
let lastCpu = 0;

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

function noteTurn() {
  const now = cpuMs();
  longestTurn = Math.max(longestTurn, now - lastCpu);
  lastCpu = now;
}

const answers = {
  /** Live heap and resident memory. */
  memory() {
    // Twice: the second collection frees what the first one finalizes.
    globalThis.gc();
    globalThis.gc();
    const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
    return { heapUsed, external, arrayBuffers, rss };
  },

  /** Starts to measure turns of the event loop. */
  beginTurns() {
    longestTurn = 0;
    clearInterval(turns);
    turns = setInterval(noteTurn, TURN_SAMPLE_MS).unref();
    lastCpu = cpuMs();
  },

  /** Maximum CPU milliseconds between two turns: other requests waited at least this long. */
  endTurns() {
    noteTurn();
    clearInterval(turns);
    return longestTurn;
  },

  async startProfile() {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US });
    await session.post('Profiler.start');
  },

  async stopProfile({ file }) {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    writeFileSync(file, JSON.stringify(profile));
  },
};

async function answer({ id, request, ...options }) {
  try {
    process.send({ id, answer: await answers[request](options) });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
}

// Worker threads of the server load this module, too.
if (isMainThread) {
  process.on('message', answer);
  // The listener must not keep a stopping server alive.
  process.channel.unref();
}
