export { type Clock, SYSTEM_CLOCK, type Timer } from './clock.js';
export { PeriodicTask, type PeriodicTaskOptions } from './periodic-task.js';
