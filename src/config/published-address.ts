/**
 * Publishes the address of this server to its graphs, as LangGraph's own servers do. An address that the operator has set
 * is not replaced: it may be the public one in front of a proxy.
 */
export function publishAddress(url: string, port: number, env: NodeJS.ProcessEnv = process.env): void {
  env.LANGGRAPH_API_URL ||= url;
  env.PORT = String(port);
}

/** The address of this service; undefined in a worker without LANGGRAPH_API_URL. */
export const publishedAddress = (env: NodeJS.ProcessEnv = process.env): string | undefined => env.LANGGRAPH_API_URL;
