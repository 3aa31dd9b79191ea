import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiErrors, BodyExample, sendPage } from '../common/index.js';
import { ThreadParams } from '../threads/index.js';
import { CronsService } from './crons.service.js';
import { Cron } from './dto/cron.dto.js';
import { CronCountRequest, CronCreate, CronParams, CronSearchRequest, CronUpdate } from './dto/cron-requests.dto.js';

const MORNING = {
  assistant_id: 'chat',
  schedule: '0 9 * * 1-5',
  timezone: 'Europe/Berlin',
  input: { messages: [{ role: 'user', content: 'Good morning!' }] },
};

@ApiTags('Crons')
@Controller()
export class CronsController {
  constructor(private readonly crons: CronsService) {}

  @Post('threads/:thread_id/runs/crons')
  @HttpCode(200)
  @ApiOperation({ summary: 'Create a cron on a thread', description: 'Its runs share the state of the thread.' })
  @BodyExample(CronCreate, MORNING)
  @ApiOkResponse({ type: Cron })
  @ApiErrors(404)
  createForThread(@Param() { thread_id }: ThreadParams, @Body() body: CronCreate): Promise<Cron> {
    return this.crons.create(body, thread_id);
  }

  @Post('runs/crons')
  @HttpCode(200)
  @ApiOperation({ summary: 'Create a cron', description: 'Each of its runs gets a thread of its own.' })
  @BodyExample(CronCreate, MORNING)
  @ApiOkResponse({ type: Cron })
  @ApiErrors(404)
  create(@Body() body: CronCreate): Promise<Cron> {
    return this.crons.create(body);
  }

  @Post('runs/crons/search')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Search crons',
    description: 'One page. `X-Pagination-Total` is the number of matches, `X-Pagination-Next` the next offset.',
  })
  @BodyExample(CronSearchRequest, { assistant_id: 'chat', enabled: true, limit: 5 })
  @ApiOkResponse({ type: [Cron] })
  @ApiErrors()
  async search(@Body() body: CronSearchRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<Cron[]> {
    return sendPage(reply, await this.crons.search(body), body);
  }

  @Post('runs/crons/count')
  @HttpCode(200)
  @ApiOperation({ summary: 'Count crons', description: 'The number of crons a search would find.' })
  @BodyExample(CronCountRequest, { assistant_id: 'chat' })
  @ApiOkResponse({ type: Number })
  @ApiErrors()
  count(@Body() body: CronCountRequest): Promise<number> {
    return this.crons.count(body);
  }

  @Get('runs/crons/:cron_id')
  @ApiOperation({ summary: 'Get a cron', description: 'With the time when it is due next.' })
  @ApiOkResponse({ type: Cron })
  @ApiErrors(404)
  get(@Param() { cron_id }: CronParams): Promise<Cron> {
    return this.crons.get(cron_id);
  }

  @Patch('runs/crons/:cron_id')
  @ApiOperation({
    summary: 'Update a cron',
    description:
      'Merges metadata; other fields are replaced, those left out stay. `end_time: null` takes the end away. ' +
      'A change of schedule, zone, end or `enabled` is reckoned from now on.',
  })
  @BodyExample(CronUpdate, { enabled: false })
  @ApiOkResponse({ type: Cron })
  @ApiErrors(404)
  update(@Param() { cron_id }: CronParams, @Body() body: CronUpdate): Promise<Cron> {
    return this.crons.update(cron_id, body);
  }

  @Delete('runs/crons/:cron_id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a cron', description: 'Runs that it has created stay as they are.' })
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiErrors(404)
  delete(@Param() { cron_id }: CronParams): Promise<void> {
    return this.crons.delete(cron_id);
  }
}
