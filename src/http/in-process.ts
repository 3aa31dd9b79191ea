import type { IncomingMessage } from 'node:http';

/** The remote address of requests from graphs of this process. No network connection has such an address. */
export const IN_PROCESS = 'in-process';

/** True for a request from a graph of this process, not from the network. */
export const isInProcess = ({ socket }: Pick<IncomingMessage, 'socket'>): boolean =>
  socket.remoteAddress === IN_PROCESS;
