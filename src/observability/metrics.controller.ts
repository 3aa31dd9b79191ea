import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiErrors, Public } from '../http/index.js';
import { Metrics } from './metrics.js';
import { MetricsQuery } from './metrics.dto.js';

@ApiTags('Server')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Public()
  @ApiOperation({ summary: 'Prometheus metrics', description: 'Returns the metrics of this process only.' })
  @ApiResponse({
    status: 200,
    description: 'All metrics.',
    content: {
      'text/plain': { schema: { type: 'string' } },
      'application/json': { schema: { type: 'array', items: { type: 'object' } } },
    },
  })
  @ApiErrors()
  async get(@Query() { format }: MetricsQuery, @Res() reply: FastifyReply): Promise<void> {
    if (format === 'json') {
      await reply.send(await this.metrics.asJson());
      return;
    }
    await reply.type(this.metrics.contentType).send(await this.metrics.asText());
  }
}
