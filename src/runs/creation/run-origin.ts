import { type AuthContext, authOf, type AuthUser } from '../../auth/index.js';
import { isDisconnected } from '../../http/index.js';
import type { Delivery } from '../run.entity.js';
import type { CallingRequest } from './run-caller.js';

/** Where a run comes from: an HTTP request or a cron. */
export interface RunOrigin {
  /** Absent for a cron. */
  request?: CallingRequest;
  /** The cron, and the user who created it. */
  cron_id?: string;
  user?: AuthUser;
  /** How the request that creates the run gets its output; absent for a background run. */
  delivery?: Delivery;
}

/** The auth context of the request, or of the user who created the cron. */
export const authOfOrigin = ({ request, user }: RunOrigin = {}): AuthContext => (request ? authOf(request) : { user });

/** True once the client that requests the run has disconnected. */
export const isAbandoned = ({ request }: RunOrigin = {}): boolean => request !== undefined && isDisconnected(request);
