// Loaded into a server process before the server (`node --import`), which knows nothing of it. Answers what the bench asks
// over the channel that it has been forked with.
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
  /** What is alive, and what the process takes for it. */
  memory() {
    // Twice: what the first round finalises is freed by the second.
    globalThis.gc();
    globalThis.gc();
    const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
    return { heapUsed, external, arrayBuffers, rss };
  },

  /** Measures turns of the event loop from now on. */
  beginTurns() {
    longestTurn = 0;
    clearInterval(turns);
    turns = setInterval(noteTurn, TURN_SAMPLE_MS).unref();
    lastCpu = cpuMs();
  },

  /** The most CPU, in milliseconds, that was used between two turns: others waited for so long, or longer. */
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

async function answer({ id, question, ...options }) {
  try {
    process.send({ id, answer: await answers[question](options) });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
}

// Threads of the server load this, too.
if (isMainThread) {
  process.on('message', answer);
  // Listening must not keep a server alive that has been told to stop.
  process.channel.unref();
}
