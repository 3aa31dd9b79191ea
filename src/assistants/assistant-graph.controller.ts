import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { Requires } from '../auth/index.js';
import { ApiErrors } from '../http/index.js';
import { AssistantAccess } from './assistant-access.js';
import { AssistantGraphService } from './assistant-graph.service.js';
import { AssistantGraphQuery, Graph, SubgraphParams, SubgraphsQuery, XRAY } from './dto/assistant-graph.dto.js';
import { AssistantParams } from './dto/assistant-requests.dto.js';
import { ApiSubgraphsResponse, GraphSchema, type Subgraphs } from './dto/graph-schema.dto.js';

@ApiTags('Assistants')
@Controller('assistants/:assistant_id')
export class AssistantGraphController {
  constructor(private readonly graphs: AssistantGraphService) {}

  @Get('graph')
  @Requires('assistants:read', AssistantAccess)
  @ApiOperation({ summary: 'Draw the graph of an assistant', description: 'Returns nodes and edges.' })
  @ApiQuery(XRAY)
  @ApiOkResponse({ type: Graph })
  @ApiErrors(404)
  getGraph(@Param() { assistant_id }: AssistantParams, @Query() { xray }: AssistantGraphQuery): Promise<Graph> {
    return this.graphs.getGraph(assistant_id, xray);
  }

  @Get('schemas')
  @Requires('assistants:read', AssistantAccess)
  @ApiOperation({
    summary: 'Get the schemas of an assistant',
    description:
      'Returns JSON schemas of the input, output, state and settings of its graph. Schemas that the graph does not define ' +
      'are derived from its source; the first request for them takes some seconds.',
  })
  @ApiOkResponse({ type: GraphSchema })
  @ApiErrors(404)
  getSchemas(@Param() { assistant_id }: AssistantParams): Promise<GraphSchema> {
    return this.graphs.getSchemas(assistant_id);
  }

  @Get('subgraphs')
  @Requires('assistants:read', AssistantAccess)
  @ApiOperation({
    summary: 'List the subgraphs of an assistant',
    description: 'Returns the schemas of each subgraph by namespace.',
  })
  @ApiSubgraphsResponse()
  @ApiErrors(404)
  getSubgraphs(@Param() { assistant_id }: AssistantParams, @Query() { recurse }: SubgraphsQuery): Promise<Subgraphs> {
    return this.graphs.getSubgraphs(assistant_id, recurse);
  }

  @Get('subgraphs/:namespace')
  @Requires('assistants:read', AssistantAccess)
  @ApiOperation({
    summary: 'Get one subgraph of an assistant',
    description: 'Returns its schemas under its namespace. A nested subgraph requires `recurse`.',
  })
  @ApiSubgraphsResponse()
  @ApiErrors(404)
  getSubgraph(
    @Param() { assistant_id, namespace }: SubgraphParams,
    @Query() { recurse }: SubgraphsQuery,
  ): Promise<Subgraphs> {
    return this.graphs.getSubgraphs(assistant_id, recurse, namespace);
  }
}
