import { ApiHideProperty, ApiProperty, type ApiQueryOptions } from '@nestjs/swagger';
import { ValidateBy } from 'class-validator';
import { type JsonObject } from '../../common/index.js';
import { BooleanField, FromQueryFlag, FromQueryFlagOrNumber, StringField } from '../../http/index.js';
import type { DrawnEdge, DrawnGraph, DrawnNode } from '../../execution/index.js';
import { AssistantParams } from './assistant-requests.dto.js';

const isXray = (value: unknown): boolean =>
  typeof value === 'boolean' || (Number.isSafeInteger(value) && (value as number) >= 1);

/** Documents the parameter on the route, because Swagger cannot derive a parameter with two types from its DTO. */
export const XRAY: ApiQueryOptions = {
  name: 'xray',
  required: false,
  description: 'Whether to expand subgraphs: all of them, or down to this depth.',
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
  /** Whether to include nested subgraphs. */
  @FromQueryFlag()
  @BooleanField({ default: false })
  recurse = false;
}

export class SubgraphParams extends AssistantParams {
  /** Names of the nodes on the path to the subgraph, joined by `|`. */
  @StringField({ required: true, example: 'library' })
  namespace: string;
}

/** A node of a drawn graph (contract 2.3). */
export class GraphNode {
  /** Name of the node; in a subgraph, the names on the path to it, joined by `:`. */
  id: string;
  /** `schema` for the start and the end, else `runnable`. */
  @ApiProperty({ enum: ['schema', 'runnable'] })
  type: 'schema' | 'runnable';
  /** The runnable of the node: `id` is its class, `name` its name. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  data: JsonObject;
  /** Metadata of the node in the graph. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata?: JsonObject;
}

/** An edge of a drawn graph. */
export class GraphEdge {
  /** Id of the source node. */
  source: string;
  /** Id of the target node. */
  target: string;
  /** The return value of the router that selects this edge, when it differs from the target name. */
  data?: string;
  /** Whether the edge is conditional. */
  conditional?: boolean;
}

/** The nodes and edges of a graph, for drawing (contract 2.3). */
export class Graph {
  /** Nodes, including `__start__` and `__end__`. */
  nodes: GraphNode[];
  /** Edges between the nodes. */
  edges: GraphEdge[];
}

/** Nodes of functional API workflows have numbers as ids; the API returns strings. */
export const toGraph = ({ nodes, edges }: DrawnGraph): Graph => ({
  nodes: nodes.map(toNode),
  edges: edges.map(toEdge),
});

/** Drawing clients read the name from `data`, which LangGraph does not set for start and end. */
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
