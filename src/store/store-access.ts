import { Injectable } from '@nestjs/common';
import { type AuthContext, type AuthEvent, type AuthFilter, AuthService } from '../auth/index.js';
import type { StoreListNamespacesRequest, StoreSearchRequest } from './dto/store-requests.dto.js';

/** An authorized request with the changes of the handler, and a filter for the items that it may access. */
type Permitted<T> = [request: T, visible: AuthFilter | undefined];

/** Authorizes what callers do with items. Handlers may redirect a request to another namespace. */
@Injectable()
export class StoreAccess {
  constructor(private readonly auth: AuthService) {}

  /** Authorizes an operation on one item. Throws `ForbiddenError`. */
  async toItem<T extends object>(auth: AuthContext, event: AuthEvent, request: T): Promise<Permitted<T>> {
    const { value, filter } = await this.auth.authorize(auth, event, request);
    return [value, filter];
  }

  /** Authorizes a search. Handlers see the prefix as `namespace`. Throws `ForbiddenError`. */
  async toSearch(
    auth: AuthContext,
    { namespace_prefix, ...rest }: StoreSearchRequest,
  ): Promise<Permitted<StoreSearchRequest>> {
    const requested = { ...rest, namespace: namespace_prefix };
    const { value, filter } = await this.auth.authorize(auth, 'store:search', requested);
    const { namespace, ...others } = value;
    return [{ ...others, namespace_prefix: namespace }, filter];
  }

  /** Authorizes a listing of namespaces. Handlers see the prefix as `namespace`. Throws `ForbiddenError`. */
  async toNamespaces(
    auth: AuthContext,
    { prefix, ...rest }: StoreListNamespacesRequest,
  ): Promise<Permitted<StoreListNamespacesRequest>> {
    const requested = { ...rest, namespace: prefix };
    const { value, filter } = await this.auth.authorize(auth, 'store:list_namespaces', requested);
    const { namespace, ...others } = value;
    return [{ ...others, prefix: namespace }, filter];
  }
}
