/** `?password=…` of an address. */
const SECRET_PARAMETER = /([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)[^&]*/gi;

/** An address for messages and logs: without its password, wherever that stands. Rather too little is left than too much. */
export const withoutSecrets = (address: string): string =>
  address.replace(/:(?!\/\/).*@/s, ':***@').replace(SECRET_PARAMETER, '$1***');
