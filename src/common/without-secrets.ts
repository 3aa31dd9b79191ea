/** `?password=…` of a URL. */
const SECRET_PARAMETER = /([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)[^&]*/gi;

/** A URL for messages and logs, without its password wherever it occurs. In doubt it removes more. */
export const withoutSecrets = (address: string): string =>
  address.replace(/:(?!\/\/).*@/s, ':***@').replace(SECRET_PARAMETER, '$1***');
