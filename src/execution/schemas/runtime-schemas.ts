import { toJsonSchema } from '@langchain/core/utils/json_schema';
import { isZodSchemaV3 } from '@langchain/core/utils/types';
import * as langgraph from '@langchain/langgraph';
import { schemaMetaRegistry } from '@langchain/langgraph/zod';
import {
  getConfigTypeSchema,
  getInputTypeSchema,
  getOutputTypeSchema,
  getStateTypeSchema,
  getUpdateTypeSchema,
} from '@langchain/langgraph/zod/schema';
import { isObject } from '../../common/index.js';
import type { CompiledGraph } from '../graphs/graph.js';
import type { JsonSchema, KnownSchemas } from './graph-schemas.js';

/** LangGraph before 1.1 has no such class. */
const { StateSchema } = langgraph as Partial<typeof langgraph>;

/** Reports why a schema cannot be read from the graph itself, for the log. */
export type ReportProblem = (problem: string) => void;

/**
 * Returns the schemas that a graph contains at run time: those defined as a StateSchema or with Zod (behaviours 2.17 a to
 * c). State, input, output and config may each be defined differently.
 */
export function runtimeSchemas(graph: CompiledGraph, report: ReportProblem): KnownSchemas {
  /** A schema that JSON Schema cannot express, for example a date, is left to the next source. */
  const attempt = (read: (graph: CompiledGraph) => unknown, declared?: unknown): JsonSchema | undefined => {
    try {
      const schema = read(graph);
      return isObject(schema) ? withAllFields(schema, declared) : undefined;
    } catch (error) {
      report(`cannot be read from its Zod schema: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const { _schemaRuntimeDefinition, _inputRuntimeDefinition, _outputRuntimeDefinition } = graph.builder ?? {};
  const { _inputDefinition, _outputDefinition } = graph.builder ?? {};
  const inputDefinition =
    typeof _inputRuntimeDefinition === 'symbol' ? _schemaRuntimeDefinition : _inputRuntimeDefinition;
  return {
    state: attempt(isRegistered(graph) ? getUpdateTypeSchema : getStateTypeSchema, _schemaRuntimeDefinition),
    input: onlyOf(_inputDefinition, attempt(getInputTypeSchema, inputDefinition)),
    output: onlyOf(_outputDefinition, attempt(getOutputTypeSchema, _outputRuntimeDefinition)),
    config: attempt(getConfigTypeSchema),
  };
}

/**
 * Adds the fields of a StateSchema that LangGraph omits because they have no JSON schema of their own. LangChain can
 * describe those of Zod 3, such as the todos of the agents of `langchain`; of the others only the name is known.
 */
function withAllFields(schema: JsonSchema, declared: unknown): JsonSchema {
  if (!StateSchema?.isInstance(declared)) {
    return schema;
  }
  const described = schema.properties as JsonSchema;
  const missing = Object.entries(declared.fields as Record<string, unknown>).filter(([name]) => !(name in described));
  const added = missing.map(([name, field]) => [name, isZodSchemaV3(field) ? toJsonSchema(field) : {}]);
  return { ...schema, properties: { ...described, ...(Object.fromEntries(added) as JsonSchema) } };
}

/** LangGraph returns the state schema for an input or output that it cannot describe; this drops it. */
function onlyOf(channels: object | undefined, schema: JsonSchema | undefined): JsonSchema | undefined {
  const names = Object.keys(schema?.properties ?? {});
  return channels && names.every((name) => name in channels) ? schema : undefined;
}

/** True when a channel is registered with `withLangGraph`: its updates then have another type than its value. */
function isRegistered({ builder }: CompiledGraph): boolean {
  const schema = builder?._schemaRuntimeDefinition;
  if (!schema || StateSchema?.isInstance(schema)) {
    return false;
  }
  return Object.values((schema as { shape?: object }).shape ?? {}).some((channel) =>
    schemaMetaRegistry.has(channel as never),
  );
}

/** Schemas with the names of the channels only, for unknown types. */
export function channelSchemas({ builder, outputChannels, streamChannels }: CompiledGraph): KnownSchemas {
  const named = (channels: unknown): JsonSchema | undefined =>
    Array.isArray(channels) && channels.length > 0
      ? { type: 'object', properties: Object.fromEntries(channels.map((name) => [String(name), {}])) }
      : undefined;
  return {
    input: named(Object.keys(builder?._inputDefinition ?? {})),
    output: named(outputChannels),
    state: named(streamChannels),
  };
}
