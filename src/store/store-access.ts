import { Injectable } from '@nestjs/common';
import { type AuthContext, type AuthEvent, type AuthFilter, AuthService } from '../auth/index.js';
import type { StoreListNamespacesRequest, StoreSearchRequest } from './dto/store-requests.dto.js';

/** A request that may be carried out, as it is to be, and which items it may reach. */
type Permitted<T> = [request: T, visible: AuthFilter | undefined];

/** Whose items somebody may reach. Handlers may send a request to another namespace. */
@Injectable()
export class StoreAccess {
  constructor(private readonly auth: AuthService) {}

  /** For what concerns one item. Throws `ForbiddenError`. */
  async toItem<T extends object>(auth: AuthContext, event: AuthEvent, request: T): Promise<Permitted<T>> {
    const { value, filter } = await this.auth.authorize(auth, event, request);
    return [value, filter];
  }

  /** To handlers, a prefix is the namespace. Throws `ForbiddenError`. */
  async toSearch(
    auth: AuthContext,
    { namespace_prefix, ...rest }: StoreSearchRequest,
  ): Promise<Permitted<StoreSearchRequest>> {
    const asked = { ...rest, namespace: namespace_prefix };
    const { value, filter } = await this.auth.authorize(auth, 'store:search', asked);
    const { namespace, ...others } = value;
    return [{ ...others, namespace_prefix: namespace }, filter];
  }

  /** The same. */
  async toNamespaces(
    auth: AuthContext,
    { prefix, ...rest }: StoreListNamespacesRequest,
  ): Promise<Permitted<StoreListNamespacesRequest>> {
    const asked = { ...rest, namespace: prefix };
    const { value, filter } = await this.auth.authorize(auth, 'store:list_namespaces', asked);
    const { namespace, ...others } = value;
    return [{ ...others, prefix: namespace }, filter];
  }
}
