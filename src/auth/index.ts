export { Auth, authOf } from './auth.decorator.js';
export * from './auth.errors.js';
export { AUTH_EVENTS, type AuthEvent } from './auth-events.js';
export { type AuthFilter, filterSql, matches } from './auth-filter.js';
export { AuthModule, loadAuth } from './auth.module.js';
export { type Authorized, AuthService } from './auth.service.js';
export { type AuthContext, type AuthUser, NOBODY } from './auth-user.js';
export { authenticateRequests } from './authenticate-requests.js';
export { filterQuery } from './filter-query.js';
