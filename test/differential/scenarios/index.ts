import type { Scenario, Scenarios } from '../scene.js';
import { assistants } from './assistants.js';
import { disconnects } from './disconnects.js';
import { errors } from './errors.js';
import { interrupts } from './interrupts.js';
import { multitask } from './multitask.js';
import { runs } from './runs.js';
import { server } from './server.js';
import { settings } from './settings.js';
import { stateless } from './stateless.js';
import { states } from './states.js';
import { store } from './store.js';
import { streams } from './streams.js';
import { threads } from './threads.js';

const GROUPS: Record<string, Scenarios> = {
  assistants,
  threads,
  states,
  runs,
  streams,
  interrupts,
  multitask,
  disconnects,
  stateless,
  settings,
  store,
  errors,
  server,
};

/** All scenarios by name: `group: scenario`. */
export const SCENARIOS: [name: string, Scenario][] = Object.entries(GROUPS).flatMap(([group, scenarios]) =>
  Object.entries(scenarios).map(([name, scenario]): [string, Scenario] => [`${group}: ${name}`, scenario]),
);
