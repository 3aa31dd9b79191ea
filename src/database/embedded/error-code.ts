/** Whether the error has one of these codes: a system error (`ENOENT`) or an SQLSTATE (`57P03`). */
export const hasErrorCode = (error: unknown, ...codes: string[]): boolean =>
  // Not instanceof: jest runs specs in another realm, in which Node's errors are not instances of Error.
  codes.includes(String((error as { code?: unknown } | undefined)?.code));
