import type { RunCaller } from '../run.entity.js';

/** The keys that a caller adds to `configurable`. They override those of the request body (contract 6.3). */
export const callerKeys = (caller: RunCaller | null): Record<string, unknown> => {
  const { headers, request_id, user } = caller ?? { headers: {} };
  return {
    ...headers,
    ...(request_id !== undefined && { langgraph_request_id: request_id }),
    ...(user && {
      langgraph_auth_user: user,
      langgraph_auth_user_id: user.identity,
      langgraph_auth_permissions: user.permissions,
      // Graphs use `user_id` to store data by user, so a client must not set it freely.
      user_id: user.identity,
    }),
  };
};
