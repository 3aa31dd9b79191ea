import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { onClose } from './on-close.js';

/** Milliseconds that requests get to be answered when the server closes. */
const LAST_ANSWERS_MS = 5_000;

/** Responses that last as long as a run. */
const open = new Set<ServerResponse>();
/** All others, until they are sent. */
const answering = new Set<ServerResponse>();
/** The server is going to close, and then: it is closing. */
let leaving = false;
let closing = false;

/** Remembers a response until it is sent, so that a server that closes can wait for it. */
export function trackResponse(response: ServerResponse): void {
  answering.add(response);
  onClose(response, () => answering.delete(response));
  if (leaving) {
    response.setHeader('connection', 'close');
  }
}

/** Remembers a hijacked response until it is closed, so that shutdown can break it off. */
export function trackOpenResponse(response: ServerResponse): void {
  answering.delete(response);
  open.add(response);
  onClose(response, () => open.delete(response));
  if (closing) {
    setImmediate(() => breakOff(response));
  }
}

/**
 * Clients are asked not to use their connections again: what they send on one that is just being closed gets lost. To be
 * called well before the server closes.
 */
export function announceClose(): void {
  leaving = true;
}

/** Cuts the connection of every open stream and wait. */
export function breakOffOpenResponses(): void {
  closing = true;
  open.forEach(breakOff);
}

/** Resolves when the requests that are there now have been answered: their clients shall know what has become of them. */
export async function answersSent(): Promise<void> {
  const answers = Promise.all([...answering].map((response) => once(response, 'close')));
  await Promise.race([answers, sleep(LAST_ANSWERS_MS, undefined, { ref: false })]);
}

/**
 * To an SDK a clean end means that the run has finished; a broken connection means "reconnect", to where the headers say:
 * those it must have.
 */
function breakOff(response: ServerResponse): void {
  response.flushHeaders();
  response.destroy();
}
