import { isObject } from '../common/index.js';
import { AuthHandlerError, AuthRefusalError, ForbiddenError, UnauthenticatedError } from './auth.errors.js';
import { type AuthFilter, parseFilter } from './auth-filter.js';
import { type AuthUser, toUser } from './auth-user.js';
import type { Authenticator, AuthRequest, Authorizer } from './authenticator.js';

/** What the SDK's `Auth` object keeps for servers. */
interface Handlers {
  authenticate?: (request: Request) => unknown;
  callbacks?: Record<string, (context: object) => unknown>;
}

const HANDLERS = '~handlerCache';

/** The `Auth` object of `auth.path` in langgraph.json (contract 6.3). */
export class CustomAuth implements Authenticator, Authorizer {
  private constructor(private readonly handlers: Handlers) {}

  /** Undefined when it is not an `Auth` object, of whichever version of the SDK. */
  static from(exported: unknown): CustomAuth | undefined {
    return isObject(exported) && isObject(exported[HANDLERS]) ? new CustomAuth(exported[HANDLERS]) : undefined;
  }

  async authenticate(request: Request): Promise<AuthUser> {
    if (!this.handlers.authenticate) {
      throw new UnauthenticatedError('The auth module has no authenticate handler: nobody is let in.');
    }
    try {
      return toUser(await this.handlers.authenticate(request));
    } catch (error) {
      throw refusalOf(error) ?? new AuthHandlerError('authenticate has failed', error);
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
      throw refusalOf(error) ?? new AuthHandlerError(`the handler of ${event} has failed`, error);
    }
    if (result === false) {
      throw new ForbiddenError();
    }
    return result === undefined || result === null || result === true ? undefined : parseFilter(result);
  }

  /** One handler decides, the most specific one (behaviours 11.6). */
  private callbackFor(event: string): ((context: object) => unknown) | undefined {
    const [resource, action] = event.split(':');
    const names = [event, resource, `*:${action}`, '*'];
    const name = names.find(
      (candidate) => this.handlers.callbacks && Object.hasOwn(this.handlers.callbacks, candidate),
    );
    return name === undefined ? undefined : this.handlers.callbacks?.[name];
  }
}

/** The SDK's HTTPException, of whichever version: its status, text and headers are the answer. */
function refusalOf(error: unknown): Error | undefined {
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
