import { isObject } from '../common/index.js';
import { AuthHandlerError, AuthRefusalError, ForbiddenError, UnauthenticatedError } from './auth.errors.js';
import { type AuthFilter, parseFilter } from './auth-filter.js';
import { type AuthUser, toUser } from './auth-user.js';
import type { Authenticator, AuthRequest, Authorizer } from './authenticator.js';

/** The handlers that the SDK's `Auth` object keeps for servers. */
interface Handlers {
  authenticate?: (request: Request) => unknown;
  callbacks?: Record<string, (context: object) => unknown>;
}

const HANDLERS = '~handlerCache';

/** The `Auth` object of `auth.path` in langgraph.json (contract 6.3). */
export class CustomAuth implements Authenticator, Authorizer {
  private constructor(private readonly handlers: Handlers) {}

  /** Undefined when the export is not an `Auth` object. Accepts those of any SDK version. */
  static from(exported: unknown): CustomAuth | undefined {
    return isObject(exported) && isObject(exported[HANDLERS]) ? new CustomAuth(exported[HANDLERS]) : undefined;
  }

  async authenticate(request: Request): Promise<AuthUser> {
    if (!this.handlers.authenticate) {
      throw new UnauthenticatedError('The auth module has no authenticate handler, so every request is rejected.');
    }
    try {
      return toUser(await this.handlers.authenticate(request));
    } catch (error) {
      throw toRejection(error) ?? new AuthHandlerError('authenticate failed', error);
    }
  }

  async authorize({ event, user, value }: AuthRequest): Promise<AuthFilter | undefined> {
    const callback = this.callbackFor(event);
    if (!callback) {
      return undefined;
    }
    const [resource, action] = event.split(':');
    let result: unknown;
    try {
      result = await callback({ event, resource, action, value, user, permissions: user.permissions });
    } catch (error) {
      throw toRejection(error) ?? new AuthHandlerError(`the handler for ${event} failed`, error);
    }
    if (result === false) {
      throw new ForbiddenError();
    }
    return result === undefined || result === null || result === true ? undefined : parseFilter(result);
  }

  /** Only the most specific handler is called (behaviours 11.6). */
  private callbackFor(event: string): ((context: object) => unknown) | undefined {
    const [resource, action] = event.split(':');
    const names = [event, resource, `*:${action}`, '*'];
    const name = names.find(
      (candidate) => this.handlers.callbacks && Object.hasOwn(this.handlers.callbacks, candidate),
    );
    return name === undefined ? undefined : this.handlers.callbacks?.[name];
  }
}

/** Converts the SDK's HTTPException, of any version: the response has its status, message and headers. */
function toRejection(error: unknown): Error | undefined {
  if (error instanceof AuthHandlerError) {
    return error;
  }
  const { status, message, headers } = error as {
    status?: unknown;
    message?: unknown;
    headers?: ConstructorParameters<typeof Headers>[0];
  };
  if (!(error instanceof Error) || typeof status !== 'number' || status < 400 || status > 599) {
    return undefined;
  }
  const detail = typeof message === 'string' && message !== '' ? message : 'Not authorized';
  return new AuthRefusalError(status, detail, Object.fromEntries(new Headers(headers)), error);
}
