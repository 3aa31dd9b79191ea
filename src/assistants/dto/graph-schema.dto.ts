import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import type { GraphSchemas, JsonSchema } from '../../execution/index.js';

const Schema = (): PropertyDecorator => ApiProperty({ type: 'object', additionalProperties: true, nullable: true });

/** JSON schemas of a graph (contract 2.3). Null is what could not be derived. */
export class GraphSchema {
  /** Graph they belong to; that of the root for subgraphs. */
  graph_id: string;
  /** What a run takes. */
  @Schema()
  input_schema: JsonSchema | null;
  /** What a run gives. */
  @Schema()
  output_schema: JsonSchema | null;
  /** What a thread keeps. */
  @Schema()
  state_schema: JsonSchema | null;
  /** Settings of a run, under `config.configurable`. */
  @Schema()
  config_schema: JsonSchema | null;
  /** The same settings under `context`. */
  @Schema()
  context_schema: JsonSchema | null;
}

export const toGraphSchema = (graph_id: string, schemas: GraphSchemas): GraphSchema => ({ graph_id, ...schemas });

/** From namespace to schemas. */
export type Subgraphs = Record<string, GraphSchema>;

/** Documents an answer of {@link Subgraphs}. */
export const ApiSubgraphsResponse = (): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(GraphSchema),
    ApiOkResponse({
      description: 'From namespace to schemas, parents before children; empty when there is no such subgraph.',
      schema: { type: 'object', additionalProperties: { $ref: getSchemaPath(GraphSchema) } },
    }),
  );
