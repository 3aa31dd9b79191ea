import { background } from './background.mjs';
import { backlog } from './backlog.mjs';
import { bigstate } from './bigstate.mjs';
import { bodies } from './bodies.mjs';
import { cancel } from './cancel.mjs';
import { crons } from './crons.mjs';
import { fanOut } from './fan-out.mjs';
import { interrupt } from './interrupt.mjs';
import { remoteStream } from './remote-stream.mjs';
import { slots } from './slots.mjs';
import { stall } from './stall.mjs';
import { start } from './start.mjs';
import { statements } from './statements.mjs';
import { steps } from './steps.mjs';
import { threads } from './threads.mjs';
import { store } from './store.mjs';
import { tokens } from './tokens.mjs';
import { unread } from './unread.mjs';
import { wait } from './wait.mjs';

/** By name, in order of execution. Each receives a `Bench` and returns its part of the result. */
export const SCENARIOS = {
  wait,
  slots,
  steps,
  tokens,
  'fan-out': fanOut,
  background,
  'remote-stream': remoteStream,
  statements,
  interrupt,
  cancel,
  bigstate,
  threads,
  stall,
  unread,
  start,
  backlog,
  crons,
  store,
  bodies,
};
