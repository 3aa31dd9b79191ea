/** What the configuration may ask for and this version does not do yet. Nothing of it is left out silently. */
import type { LanggraphJson } from './langgraph-json.shape.js';
import { isObject, type Findings } from './shape.js';

const UNUSED_KEYS = ['store.path', 'checkpointer.path', 'checkpointer.serde', 'ui', 'ui_config'];

const valueAt = (settings: LanggraphJson, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), settings);

const asksForNothing = (value: unknown): boolean =>
  value === undefined || value === false || (typeof value === 'object' && Object.keys(value ?? {}).length === 0);

export function warnAboutUnused(settings: LanggraphJson, findings: Findings): void {
  UNUSED_KEYS.filter((path) => !asksForNothing(valueAt(settings, path))).forEach((path) =>
    findings.warn(`${path} is not used by this version yet`),
  );
}

/** Serving without a protection that somebody asked for would be worse than not serving. */
export function refuseUnprotected({ encryption }: LanggraphJson, findings: Findings): void {
  if (encryption) {
    findings.problem(
      'encryption.path',
      'encryption is not supported by this version yet; data would be stored as plain text. ' +
        'Encrypt the disk of the database, then remove "encryption"',
    );
  }
}
