import { ForbiddenError } from './auth.errors.js';
import type { AuthFilter } from './auth-filter.js';
import type { AuthRequest, Authorizer } from './authenticator.js';

/** The key of the metadata that says whose a row is. */
const OWNER = 'owner';

/** Assistants that stand for a graph: everybody may run them, and so find them. */
const OF_SYSTEM = { key: 'created_by', equals: 'system' };

/** Everybody has what they made, and nothing else: rows are stamped with their owner, and items live below the owner's name. */
export class OwnerOnly implements Authorizer {
  authorize(request: AuthRequest): Promise<AuthFilter | undefined> {
    // A refusal is a rejection.
    return new Promise((resolve) => resolve(this.decide(request)));
  }

  private decide({ event, user, value }: AuthRequest): AuthFilter | undefined {
    const { identity } = user;
    if (event.startsWith('store:')) {
      this.keepAtHome(event, value, labelOf(identity));
      return undefined;
    }
    if (/:(create|update|create_run)$/.test(event)) {
      value.metadata = { ...this.ownMetadata(value), [OWNER]: identity };
    }
    const own: AuthFilter = { key: OWNER, equals: identity };
    return event === 'assistants:search' ? { any: [own, OF_SYSTEM] } : own;
  }

  /** Nobody puts something into everybody's list. */
  private ownMetadata({ metadata }: Record<string, unknown>): object {
    const given = { ...(metadata as Record<string, unknown> | null | undefined) };
    if (given[OF_SYSTEM.key] === OF_SYSTEM.equals) {
      throw new ForbiddenError('metadata.created_by: "system" is what assistants of the server have.');
    }
    return given;
  }

  /** Items of a user are below the user's name. What asks for all of them gets those. */
  private keepAtHome(event: string, value: Record<string, unknown>, home: string): void {
    const namespace = (value.namespace as string[] | null | undefined) ?? [];
    if (namespace.length === 0 && (event === 'store:search' || event === 'store:list_namespaces')) {
      value.namespace = [home];
    } else if (namespace[0] !== home) {
      throw new ForbiddenError(`Your namespaces begin with "${home}".`);
    }
  }
}

/** A label has no dots. */
const labelOf = (identity: string): string => identity.replaceAll('%', '%25').replaceAll('.', '%2E');
