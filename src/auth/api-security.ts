import type { OpenAPIObject } from '@nestjs/swagger';
import type { AuthConfig, DocumentedSecurity } from '../config/index.js';

const KEY = { ApiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' } };
const TOKEN = { Bearer: { type: 'http', scheme: 'bearer' } };

interface Operation {
  security?: unknown;
  responses?: object;
  /** Empty for a public route. */
  'x-permission'?: string[];
}

/** The OpenAPI document with plain types, because the configuration is read-only. */
interface Documented {
  components?: object;
  security?: unknown;
  paths: Record<string, Record<string, Operation>>;
}

/**
 * Adds the security schemes to the OpenAPI document, so that Swagger UI asks for credentials. They come from
 * `auth.openapi`, or else from the headers that the configured authentication reads. Rules for routes that are missing
 * in the document apply to routes of the custom app.
 */
export function documentSecurity(document: OpenAPIObject, auth: AuthConfig, mountPrefix: string): void {
  const documented = securityOf(auth);
  if (!documented) {
    return;
  }
  const { components, paths } = document as unknown as Documented;
  Object.assign(document, {
    components: { ...components, securitySchemes: documented.securitySchemes },
    security: documented.security,
  });
  for (const [path, methods] of Object.entries(documented.paths)) {
    const operations = (paths[mountPrefix + path] ??= {});
    for (const [method, rule] of Object.entries(methods)) {
      (operations[method] ??= { responses: {} }).security = rule;
    }
  }
  Object.values(paths)
    .flatMap((operations) => Object.values(operations))
    .filter((operation) => operation['x-permission']?.length === 0)
    .forEach((operation) => (operation.security = []));
}

function securityOf({ custom, api_keys, jwt }: AuthConfig): DocumentedSecurity | undefined {
  if (custom?.documented) {
    return custom.documented;
  }
  // An authenticate handler may read anything; the SDKs send these two headers.
  const schemes = { ...((custom ?? api_keys.length > 0) && KEY), ...((custom ?? jwt ?? api_keys.length > 0) && TOKEN) };
  const names = Object.keys(schemes);
  return names.length === 0
    ? undefined
    : { securitySchemes: schemes, security: names.map((name) => ({ [name]: [] })), paths: {} };
}
