import type { IncomingMessage } from 'node:http';

/** Stands for the address of graphs that call the server they are executed by. No connection has such an address. */
export const IN_PROCESS = 'in-process';

/** A request that did not come over the network, but from a graph of this process. */
export const isInProcess = ({ socket }: Pick<IncomingMessage, 'socket'>): boolean =>
  socket.remoteAddress === IN_PROCESS;
