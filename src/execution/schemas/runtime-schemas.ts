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

/** Versions of LangGraph before 1.1 have no such class. */
const { StateSchema } = langgraph as Partial<typeof langgraph>;

/** Why the schemas of a graph could not be had from itself, for the log. */
export type Complain = (problem: string) => void;

/**
 * What a graph knows about its own schemas: those it was given as a StateSchema or as Zod objects (behaviours 2.17 a to
 * c). State, input, output and settings may each be declared in a way of its own.
 */
export function runtimeSchemas(graph: CompiledGraph, complain: Complain): KnownSchemas {
  /** A schema that JSON cannot express, a date for example, is left to the next source. */
  const attempt = (read: (graph: CompiledGraph) => unknown, declared?: unknown): JsonSchema | undefined => {
    try {
      const schema = read(graph);
      return isObject(schema) ? withAllFields(schema, declared) : undefined;
    } catch (error) {
      complain(`cannot be read from its Zod schema: ${error instanceof Error ? error.message : String(error)}`);
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
 * LangGraph leaves out the fields of a StateSchema that do not describe themselves. Those of Zod 3, such as the todos of
 * the agents of `langchain`, LangChain can describe; of others the name is known.
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

/** LangGraph describes the state where an input or output was declared that it cannot describe. */
function onlyOf(channels: object | undefined, schema: JsonSchema | undefined): JsonSchema | undefined {
  const names = Object.keys(schema?.properties ?? {});
  return channels && names.every((name) => name in channels) ? schema : undefined;
}

/** Whether a channel of the state was registered with `withLangGraph`: then updates are not of the state's own type. */
function isRegistered({ builder }: CompiledGraph): boolean {
  const schema = builder?._schemaRuntimeDefinition;
  if (!schema || StateSchema?.isInstance(schema)) {
    return false;
  }
  return Object.values((schema as { shape?: object }).shape ?? {}).some((channel) =>
    schemaMetaRegistry.has(channel as never),
  );
}

/** The names of channels, when nobody knows their types. */
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
