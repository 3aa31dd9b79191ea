import type { JsonObject } from '../../common/index.js';

export type JsonSchema = JsonObject;

/** What a graph takes, keeps and gives (contract 2.3); null is what could not be derived. */
export interface GraphSchemas {
  input_schema: JsonSchema | null;
  output_schema: JsonSchema | null;
  state_schema: JsonSchema | null;
  config_schema: JsonSchema | null;
  context_schema: JsonSchema | null;
}

/** What one source says about a graph. Config and context are the same thing under two names. */
export type KnownSchemas = Partial<Record<'input' | 'output' | 'state' | 'config', JsonSchema>>;

/** For each schema the first source that knows it; sources are ordered, best first. */
export function combineSchemas(...sources: KnownSchemas[]): GraphSchemas {
  const first = (key: keyof KnownSchemas): JsonSchema | null =>
    sources.map((source) => source[key]).find((schema) => schema !== undefined) ?? null;
  const config = first('config');
  return {
    input_schema: first('input'),
    output_schema: first('output'),
    state_schema: first('state'),
    config_schema: config,
    context_schema: config,
  };
}
