/** The events that handlers of the SDK's `Auth` are registered for (behaviours 11.7). */
export const AUTH_EVENTS = [
  'assistants:create',
  'assistants:read',
  'assistants:update',
  'assistants:delete',
  'assistants:search',
  'threads:create',
  'threads:read',
  'threads:update',
  'threads:delete',
  'threads:search',
  'threads:create_run',
  'crons:create',
  'crons:read',
  'crons:update',
  'crons:delete',
  'crons:search',
  'store:put',
  'store:get',
  'store:search',
  'store:list_namespaces',
  'store:delete',
] as const;

export type AuthEvent = (typeof AUTH_EVENTS)[number];
