/** Whether this is an error with one of these codes: of the system (`ENOENT`) or of PostgreSQL (`57P03`). */
export const hasErrorCode = (error: unknown, ...codes: string[]): boolean =>
  // Not instanceof: jest runs specs in a realm of their own, where Node's errors are no Errors.
  codes.includes(String((error as { code?: unknown } | undefined)?.code));
