import { Injectable } from '@nestjs/common';
import { type AuthEvent, type AuthFilter, AuthService, type RoutePermission } from '../auth/index.js';
import type { StoreListNamespacesRequest, StoreSearchRequest } from './dto/store-requests.dto.js';

/** A permission on items, with its caller. */
export type StorePermission = RoutePermission<Extract<AuthEvent, `store:${string}`>>;

/** An authorized request with the changes of the handler, and a filter for the items that it may access. */
type Permitted<T> = [request: T, visible: AuthFilter | undefined];

/** Authorizes what callers do with items. Handlers may redirect a request to another namespace. */
@Injectable()
export class StoreAccess {
  constructor(private readonly auth: AuthService) {}

  /** Authorizes an operation on one item. Throws `ForbiddenError`. */
  async toItem<T extends object>(permission: StorePermission, request: T): Promise<Permitted<T>> {
    const { value, filter } = await this.auth.authorize(permission, permission.event, request);
    return [value, filter];
  }

  /** Authorizes a search. Handlers see the prefix as `namespace`. Throws `ForbiddenError`. */
  async toSearch(
    permission: StorePermission,
    { namespace_prefix, ...rest }: StoreSearchRequest,
  ): Promise<Permitted<StoreSearchRequest>> {
    const [value, filter] = await this.toItem(permission, { ...rest, namespace: namespace_prefix });
    const { namespace, ...others } = value;
    return [{ ...others, namespace_prefix: namespace }, filter];
  }

  /** Authorizes a listing of namespaces. Handlers see the prefix as `namespace`. Throws `ForbiddenError`. */
  async toNamespaces(
    permission: StorePermission,
    { prefix, ...rest }: StoreListNamespacesRequest,
  ): Promise<Permitted<StoreListNamespacesRequest>> {
    const [value, filter] = await this.toItem(permission, { ...rest, namespace: prefix });
    const { namespace, ...others } = value;
    return [{ ...others, prefix: namespace }, filter];
  }
}
