import type { Client } from '@langchain/langgraph-sdk';

/** Options of `runs.stream` that a page hands on when it submits something. */
export type SubmitOptions = Pick<
  NonNullable<Parameters<Client['runs']['stream']>[2]>,
  'interruptBefore' | 'multitaskStrategy' | 'onDisconnect' | 'streamResumable' | 'streamSubgraphs'
>;

/** What a test tells a page, after the `#` of its address. */
export interface Settings {
  apiUrl: string;
  assistantId: string;
  apiKey?: string;
  /** Options of the hook. */
  hook?: {
    reconnectOnMount?: boolean;
    fetchStateHistory?: boolean | { limit: number };
    defaultHeaders?: Record<string, string>;
  };
  /** Callbacks that the hook is given, besides those that every page has. */
  callbacks?: string[];
  /** What goes with each message into the graph. */
  input?: Record<string, unknown>;
  /** With each submission. */
  submit?: SubmitOptions;
  /** Shows a message before the server has it. */
  optimistic?: boolean;
  /** Threads to choose from. */
  threads?: string[];
}

export const settings = (): Settings => JSON.parse(decodeURIComponent(location.hash.slice(1))) as Settings;
