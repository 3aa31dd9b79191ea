import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../common/index.js';
import { GraphInspector, type InspectedGraph, toRunnableConfig, withoutInternalKeys } from '../execution/index.js';
import type { AssistantEntity } from './assistant.entity.js';
import { AssistantsService } from './assistants.service.js';
import { type Graph, toGraph } from './dto/assistant-graph.dto.js';
import { type GraphSchema, type Subgraphs, toGraphSchema } from './dto/graph-schema.dto.js';

/** Draws and describes the graph of an assistant, built with the assistant's settings. */
@Injectable()
export class AssistantGraphService {
  constructor(
    private readonly assistants: AssistantsService,
    private readonly inspector: GraphInspector,
  ) {}

  async getGraph(assistant_id: string, xray: boolean | number): Promise<Graph> {
    return toGraph(await this.inspector.draw(await this.graphOf(assistant_id), xray));
  }

  async getSchemas(assistant_id: string): Promise<GraphSchema> {
    const graph = await this.graphOf(assistant_id);
    return toGraphSchema(graph.graph_id, await this.inspector.getSchemas(graph));
  }

  /** Returns all subgraphs, or the one of a namespace. */
  async getSubgraphs(assistant_id: string, recurse: boolean, namespace?: string): Promise<Subgraphs> {
    const graph = await this.graphOf(assistant_id);
    const subgraphs = await this.inspector.getSubgraphs(graph, { namespace, recurse });
    return Object.fromEntries(
      Object.entries(subgraphs).map(([name, schemas]) => [name, toGraphSchema(graph.graph_id, schemas)]),
    );
  }

  private async graphOf(assistant_id: string): Promise<InspectedGraph> {
    const assistant = await this.assistants.resolve(assistant_id);
    return { graph_id: assistant.graph_id, config: configOf(assistant) };
  }
}

/**
 * The config that a graph factory gets for a run without its own settings: `configurable` and `context` both hold the
 * settings.
 */
function configOf({ assistant_id, graph_id, config, context }: AssistantEntity): InspectedGraph['config'] {
  const runnable = toRunnableConfig(config);
  const settings = withoutIdentity({ ...runnable.configurable, ...withoutInternalKeys(context) });
  return {
    ...runnable,
    configurable: { ...settings, graph_id, assistant_id },
    context: Object.keys(context).length > 0 ? context : settings,
  };
}

/** Removes the identity keys, which only authentication may set. */
const withoutIdentity = (settings: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(settings).filter(([key]) => !key.startsWith('langgraph_auth_')));
