import { Controller, Get, Inject, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiErrors, Public, Uncounted } from '../http/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { HealthChecks } from './health-checks.js';
import { Health, HealthQuery, ServerInfo } from './health.dto.js';
import { langgraphVersion, NESTGRAPH_VERSION } from './versions.js';

@ApiTags('Server')
@Controller()
export class HealthController {
  private readonly serverInfo: ServerInfo;

  constructor(
    private readonly checks: HealthChecks,
    @Inject(CONFIG) { langsmith, http }: NestgraphConfig,
  ) {
    this.serverInfo = {
      version: NESTGRAPH_VERSION,
      langgraph_js_version: langgraphVersion(),
      context: 'js',
      flags: {
        assistants: !http.disabled.includes('assistants'),
        crons: !http.disabled.includes('runs'),
        langsmith: langsmith !== undefined && langsmith.tracing !== false,
        langsmith_tracing_replicas: true,
        strict_resume: true,
        stream_namespaces: true,
      },
      metadata: {},
    };
  }

  @Get('ok')
  @Public()
  @Uncounted()
  @ApiOperation({
    summary: 'Health check',
    description: 'For load balancers. `check_db=1` also checks the database.',
  })
  @ApiOkResponse({ type: Health })
  @ApiResponse({
    status: 500,
    type: Health,
    description: 'The database is unavailable, or the embedded database is restarting.',
  })
  @ApiErrors()
  async ok(@Query() { check_db }: HealthQuery, @Res({ passthrough: true }) reply: FastifyReply): Promise<Health> {
    const ok = this.checks.isAlive() && (!check_db || (await this.checks.pass()));
    reply.status(ok ? 200 : 500);
    return { ok };
  }

  @Get('info')
  @Public()
  @Uncounted()
  @ApiOperation({ summary: 'Server information', description: 'Returns versions and features.' })
  @ApiOkResponse({ type: ServerInfo })
  info(): ServerInfo {
    return this.serverInfo;
  }
}
