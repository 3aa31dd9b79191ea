import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import type { GraphSchemas, JsonSchema } from '../../execution/index.js';

const Schema = (): PropertyDecorator => ApiProperty({ type: 'object', additionalProperties: true, nullable: true });

/** JSON schemas of a graph (contract 2.3). A schema that could not be derived is null. */
export class GraphSchema {
  /** Graph of the schemas; for a subgraph, the root graph. */
  graph_id: string;
  /** Input of a run. */
  @Schema()
  input_schema: JsonSchema | null;
  /** Output of a run. */
  @Schema()
  output_schema: JsonSchema | null;
  /** State of a thread. */
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

/** Schemas by namespace. */
export type Subgraphs = Record<string, GraphSchema>;

/** Documents a response of type {@link Subgraphs}. */
export const ApiSubgraphsResponse = (): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(GraphSchema),
    ApiOkResponse({
      description: 'Schemas by namespace, parents before children; empty when the subgraph does not exist.',
      schema: { type: 'object', additionalProperties: { $ref: getSchemaPath(GraphSchema) } },
    }),
  );
