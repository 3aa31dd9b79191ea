import type { IncomingMessage } from 'node:http';

/** True once the client of a request has closed its connection: no retry reaches it any more. */
export const hasLeft = ({ raw }: { raw: IncomingMessage }): boolean => raw.socket.destroyed;
