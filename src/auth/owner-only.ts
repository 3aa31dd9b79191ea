import { ForbiddenError } from './auth.errors.js';
import type { AuthFilter } from './auth-filter.js';
import type { AuthRequest, Authorizer } from './authenticator.js';

/** The metadata key that holds the owner of a row. */
const OWNER = 'owner';

/** System assistants, one per graph. Every user may run them, so every user finds them. */
const OF_SYSTEM = { key: 'created_by', equals: 'system' };

/**
 * Users access only what they created: rows carry their owner in the metadata, and namespaces begin with the owner's
 * identity.
 */
export class OwnerOnly implements Authorizer {
  authorize(request: AuthRequest): Promise<AuthFilter | undefined> {
    // A ForbiddenError rejects the promise.
    return new Promise((resolve) => resolve(this.decide(request)));
  }

  private decide({ event, user, value }: AuthRequest): AuthFilter | undefined {
    const { identity } = user;
    if (event.startsWith('store:')) {
      this.restrictNamespace(event, value, labelOf(identity));
      return undefined;
    }
    if (/:(create|update|create_run)$/.test(event)) {
      value.metadata = { ...this.ownMetadata(value), [OWNER]: identity };
    }
    const own: AuthFilter = { key: OWNER, equals: identity };
    return event === 'assistants:search' ? { any: [own, OF_SYSTEM] } : own;
  }

  /** Rejects metadata that would show a row to every user. */
  private ownMetadata({ metadata }: Record<string, unknown>): object {
    const given = { ...(metadata as Record<string, unknown> | null | undefined) };
    if (given[OF_SYSTEM.key] === OF_SYSTEM.equals) {
      throw new ForbiddenError('metadata.created_by: "system" is reserved for system assistants. Use another value.');
    }
    return given;
  }

  /** Namespaces of a user begin with `home`. A search or listing of all namespaces is limited to these. */
  private restrictNamespace(event: string, value: Record<string, unknown>, home: string): void {
    const namespace = (value.namespace as string[] | null | undefined) ?? [];
    if (namespace.length === 0 && (event === 'store:search' || event === 'store:list_namespaces')) {
      value.namespace = [home];
    } else if (namespace[0] !== home) {
      throw new ForbiddenError(`The first label of your namespaces must be "${home}".`);
    }
  }
}

/** The identity as a label, which must not contain dots. */
const labelOf = (identity: string): string => identity.replaceAll('%', '%25').replaceAll('.', '%2E');
