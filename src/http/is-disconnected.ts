import type { IncomingMessage } from 'node:http';

/** True after the client of a request has disconnected: retries are pointless. */
export const isDisconnected = ({ raw }: { raw: IncomingMessage }): boolean => raw.socket.destroyed;
