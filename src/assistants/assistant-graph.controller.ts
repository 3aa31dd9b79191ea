import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { ApiErrors } from '../common/index.js';
import { AssistantGraphService } from './assistant-graph.service.js';
import { AssistantGraphQuery, Graph, SubgraphParams, SubgraphsQuery, XRAY } from './dto/assistant-graph.dto.js';
import { AssistantParams } from './dto/assistant-requests.dto.js';
import { ApiSubgraphsResponse, GraphSchema, type Subgraphs } from './dto/graph-schema.dto.js';

@ApiTags('Assistants')
@Controller('assistants/:assistant_id')
export class AssistantGraphController {
  constructor(private readonly graphs: AssistantGraphService) {}

  @Get('graph')
  @ApiOperation({ summary: 'Draw the graph of an assistant', description: 'Its nodes and edges.' })
  @ApiQuery(XRAY)
  @ApiOkResponse({ type: Graph })
  @ApiErrors(404)
  getGraph(@Param() { assistant_id }: AssistantParams, @Query() { xray }: AssistantGraphQuery): Promise<Graph> {
    return this.graphs.getGraph(assistant_id, xray);
  }

  @Get('schemas')
  @ApiOperation({
    summary: 'Get the schemas of an assistant',
    description:
      'JSON schemas of input, output, state and settings of its graph. ' +
      'Where the graph itself does not know them they come from its source, the first time after some seconds.',
  })
  @ApiOkResponse({ type: GraphSchema })
  @ApiErrors(404)
  getSchemas(@Param() { assistant_id }: AssistantParams): Promise<GraphSchema> {
    return this.graphs.getSchemas(assistant_id);
  }

  @Get('subgraphs')
  @ApiOperation({ summary: 'List the subgraphs of an assistant', description: 'The schemas of each, by namespace.' })
  @ApiSubgraphsResponse()
  @ApiErrors(404)
  getSubgraphs(@Param() { assistant_id }: AssistantParams, @Query() { recurse }: SubgraphsQuery): Promise<Subgraphs> {
    return this.graphs.getSubgraphs(assistant_id, recurse);
  }

  @Get('subgraphs/:namespace')
  @ApiOperation({
    summary: 'Get one subgraph of an assistant',
    description: 'Its schemas under its namespace. A subgraph of a subgraph needs `recurse`.',
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
