import { ApiHideProperty, ApiProperty, type ApiQueryOptions } from '@nestjs/swagger';
import { ValidateBy } from 'class-validator';
import { Flag, FromQueryFlag, FromQueryFlagOrNumber, type JsonObject, Text } from '../../common/index.js';
import type { DrawnEdge, DrawnGraph, DrawnNode } from '../../execution/index.js';
import { AssistantParams } from './assistant-requests.dto.js';

const isXray = (value: unknown): boolean =>
  typeof value === 'boolean' || (Number.isSafeInteger(value) && (value as number) >= 1);

/** For the route: Swagger cannot read a parameter of two types from its DTO. */
export const XRAY: ApiQueryOptions = {
  name: 'xray',
  required: false,
  description: 'Whether subgraphs are opened: all of them, or down to this depth.',
  schema: { oneOf: [{ type: 'boolean' }, { type: 'integer', minimum: 1 }], default: false },
};

export class AssistantGraphQuery {
  @ApiHideProperty()
  @FromQueryFlagOrNumber()
  @ValidateBy({
    name: 'isXray',
    validator: { validate: isXray, defaultMessage: () => 'must be true, false or a depth of at least 1' },
  })
  xray: boolean | number = false;
}

export class SubgraphsQuery {
  /** Whether subgraphs of subgraphs are included. */
  @FromQueryFlag()
  @Flag({ default: false })
  recurse = false;
}

export class SubgraphParams extends AssistantParams {
  /** Names of the nodes on the way to the subgraph, joined by `|`. */
  @Text({ required: true, example: 'library' })
  namespace: string;
}

/** A node of a drawn graph (contract 2.3). */
export class GraphNode {
  /** Its name; inside of a subgraph, the names on the way to it joined by `:`. */
  id: string;
  /** `schema` for the start and the end, else `runnable`. */
  @ApiProperty({ enum: ['schema', 'runnable'] })
  type: 'schema' | 'runnable';
  /** What it executes: `id` is the class, `name` its name. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  data: JsonObject;
  /** What the graph says about it. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata?: JsonObject;
}

/** An edge of a drawn graph. */
export class GraphEdge {
  /** Id of the node it comes from. */
  source: string;
  /** Id of the node it leads to. */
  target: string;
  /** The answer of the router that leads this way, when it is not the name of the target. */
  data?: string;
  /** Whether it is taken only sometimes. */
  conditional?: boolean;
}

/** A graph to draw (contract 2.3). */
export class Graph {
  /** What is executed, from `__start__` to `__end__`. */
  nodes: GraphNode[];
  /** What follows what. */
  edges: GraphEdge[];
}

/** Nodes of workflows of the functional API are numbered; ids are text all the same. */
export const toGraph = ({ nodes, edges }: DrawnGraph): Graph => ({
  nodes: nodes.map(toNode),
  edges: edges.map(toEdge),
});

/** Clients that draw look for the name in `data`, which start and end do not have there. */
const toNode = ({ id, type, data, metadata }: DrawnNode): GraphNode => ({
  id: String(id),
  type,
  data: type === 'schema' ? { id: String(id), name: data.title ?? String(id), ...data } : data,
  ...(metadata && { metadata }),
});

const toEdge = ({ source, target, data, conditional }: DrawnEdge): GraphEdge => ({
  source: String(source),
  target: String(target),
  ...(data !== undefined && { data }),
  ...(conditional !== undefined && { conditional }),
});
