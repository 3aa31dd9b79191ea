import type { JsonObject } from '../../common/index.js';

export type JsonSchema = JsonObject;

/** The schemas of a graph (contract 2.3); null if a schema cannot be derived. */
export interface GraphSchemas {
  input_schema: JsonSchema | null;
  output_schema: JsonSchema | null;
  state_schema: JsonSchema | null;
  config_schema: JsonSchema | null;
  context_schema: JsonSchema | null;
}

/** The schemas from one source. Config and context are two names for the same schema. */
export type KnownSchemas = Partial<Record<'input' | 'output' | 'state' | 'config', JsonSchema>>;

/** Takes each schema from the first source that has it. The best source comes first. */
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
