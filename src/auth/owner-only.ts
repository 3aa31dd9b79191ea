import type { AuthFilter } from './auth-filter.js';
import type { AuthRequest, Authorizer } from './authenticator.js';

/** The key of the metadata that says whose a row is. */
const OWNER = 'owner';

/** Everybody has what they made, and nothing else: rows are stamped with their owner, and items live below the owner's name. */
export class OwnerOnly implements Authorizer {
  authorize({ event, user, value }: AuthRequest): Promise<AuthFilter | undefined> {
    const { identity } = user;
    if (event.startsWith('store:')) {
      value.namespace = [identity, ...((value.namespace as string[] | null | undefined) ?? [])];
      return Promise.resolve(undefined);
    }
    if (/:(create|update|create_run)$/.test(event)) {
      value.metadata = { ...(value.metadata as object | null | undefined), [OWNER]: identity };
    }
    return Promise.resolve({ key: OWNER, equals: identity });
  }
}
