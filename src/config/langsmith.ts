import type { Environment } from './env.js';

/** Connection to LangSmith. */
export interface LangSmithConfig {
  readonly api_key: string;
  /** Default: LangSmith's cloud. */
  readonly endpoint?: string;
  /** Whether every run is traced; undefined if not configured. */
  readonly tracing?: boolean;
}

export function langsmithConfig(environment: Environment): LangSmithConfig | undefined {
  const api_key = environment.LANGSMITH_API_KEY ?? environment.LANGCHAIN_API_KEY;
  if (api_key === undefined) {
    return undefined;
  }
  const { LANGSMITH_TRACING, LANGSMITH_TRACING_V2, LANGCHAIN_TRACING_V2, LANGCHAIN_TRACING } = environment;
  const flags = [LANGSMITH_TRACING, LANGSMITH_TRACING_V2, LANGCHAIN_TRACING_V2, LANGCHAIN_TRACING];
  return {
    api_key,
    endpoint: environment.LANGSMITH_ENDPOINT ?? environment.LANGCHAIN_ENDPOINT,
    // Any of these variables enables tracing, as in LangChain.
    tracing: flags.includes('true') || (flags.some((value) => value !== undefined) ? false : undefined),
  };
}
