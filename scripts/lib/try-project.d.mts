/** What a graph of a project could do. */
export interface TriedGraph {
  /** How many nodes its drawing has, or why there is none. */
  nodes: number | string;
  /** Members of its input, or why they are not known. */
  inputs: string[] | string;
  /** `ok`, or why its run failed. */
  run: string;
  /** The text of the last message of its run. */
  answer?: string;
}

export interface TriedProject {
  manager?: string;
  config?: string;
  problem?: string;
  langgraph?: string;
  graphs?: Record<string, TriedGraph>;
  warnings?: string[];
}

export interface TryOptions {
  /** The package to install. Without it the official dev server serves the project. */
  tarball?: string;
  manager?: string;
  prepare?: (folders: { root: string; home: string }) => void | Promise<void>;
  /** Called with the address of the server while it runs. */
  use?: (url: string) => Promise<void>;
  /** The version of another Node to run everything on. */
  node?: string;
  env?: Record<string, string>;
}

export function tryProject(source: string, options: TryOptions): Promise<TriedProject>;
