import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Permission, Requires } from '../auth/index.js';
import { newId, ValidationFailedError } from '../common/index.js';
import { ApiErrors, BodyExample, sendPage } from '../http/index.js';
import { AssistantAccess, type AssistantPermission } from './assistant-access.js';
import { AssistantsService } from './assistants.service.js';
import { Assistant, AssistantVersion } from './dto/assistant.dto.js';
import {
  AssistantCountRequest,
  AssistantCreate,
  AssistantDeleteQuery,
  AssistantParams,
  AssistantPatch,
  AssistantSearchRequest,
  AssistantSetLatest,
  AssistantSetLatestQuery,
  AssistantVersionsRequest,
  EXAMPLE_ASSISTANT_ID,
} from './dto/assistant-requests.dto.js';

@ApiTags('Assistants')
@Controller('assistants')
export class AssistantsController {
  constructor(
    private readonly access: AssistantAccess,
    private readonly assistants: AssistantsService,
  ) {}

  @Post()
  @Requires('assistants:create')
  @HttpCode(200)
  @ApiOperation({ summary: 'Create an assistant', description: 'Stores a graph with its own settings and name.' })
  @BodyExample(AssistantCreate, {
    assistant_id: EXAMPLE_ASSISTANT_ID,
    if_exists: 'do_nothing',
    graph_id: 'chat',
    name: 'Brief parrot',
    context: { system_prompt: 'Be brief.' },
  })
  @ApiOkResponse({ type: Assistant })
  @ApiErrors(404, 409)
  async create(@Permission() permission: AssistantPermission, @Body() body: AssistantCreate): Promise<Assistant> {
    const named = { ...body, assistant_id: body.assistant_id ?? newId() };
    const { value, filter } = await this.access.authorize(permission, named);
    return this.assistants.create(value, filter);
  }

  @Post('search')
  @Requires('assistants:search')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Search assistants',
    description:
      'Returns one page. `X-Pagination-Total` is the number of matches, `X-Pagination-Next` the next offset.',
  })
  @BodyExample(AssistantSearchRequest, { graph_id: 'chat', limit: 5 })
  @ApiOkResponse({ type: [Assistant] })
  @ApiErrors()
  async search(
    @Permission() permission: AssistantPermission,
    @Body() body: AssistantSearchRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Assistant[]> {
    const { value, filter } = await this.access.authorize(permission, body);
    return sendPage(reply, await this.assistants.search(value, filter), value);
  }

  @Post('count')
  @Requires('assistants:search')
  @HttpCode(200)
  @ApiOperation({ summary: 'Count assistants', description: 'Returns the number of assistants that match.' })
  @BodyExample(AssistantCountRequest, { graph_id: 'chat' })
  @ApiOkResponse({ type: Number })
  @ApiErrors()
  async count(@Permission() permission: AssistantPermission, @Body() body: AssistantCountRequest): Promise<number> {
    const { value, filter } = await this.access.authorize(permission, body);
    return this.assistants.count(value, filter);
  }

  @Get(':assistant_id')
  @Requires('assistants:read', AssistantAccess)
  @ApiOperation({ summary: 'Get an assistant', description: 'Returns its current version.' })
  @ApiOkResponse({ type: Assistant })
  @ApiErrors(404)
  async get(@Param() { assistant_id }: AssistantParams): Promise<Assistant> {
    return this.assistants.get(assistant_id);
  }

  @Patch(':assistant_id')
  @Requires('assistants:update')
  @ApiOperation({
    summary: 'Update an assistant',
    description: 'Creates a new version and makes it the current one. Metadata is merged.',
  })
  @BodyExample(AssistantPatch, { name: 'Talkative parrot', context: { system_prompt: 'Take your time.' } })
  @ApiOkResponse({ type: Assistant })
  @ApiErrors(404)
  async update(
    @Permission() permission: AssistantPermission,
    @Param() { assistant_id }: AssistantParams,
    @Body() body: AssistantPatch,
  ): Promise<Assistant> {
    const value = await this.access.check(permission, assistant_id, body);
    return this.assistants.update(assistant_id, value);
  }

  @Delete(':assistant_id')
  @Requires(['assistants:delete', 'threads:delete'], AssistantAccess)
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete an assistant',
    description: 'Deletes its versions and runs too, and its threads with `delete_threads`.',
  })
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiErrors(404, 409)
  async delete(
    @Permission() permission: AssistantPermission,
    @Param() { assistant_id }: AssistantParams,
    @Query() { delete_threads }: AssistantDeleteQuery,
  ): Promise<void> {
    const threads = delete_threads ? await this.access.deletableThreads(permission, assistant_id) : undefined;
    await this.assistants.delete(assistant_id, delete_threads, threads);
  }

  @Post(':assistant_id/versions')
  @Requires('assistants:read')
  @HttpCode(200)
  @ApiOperation({ summary: 'List the versions of an assistant', description: 'Returns the newest version first.' })
  @BodyExample(AssistantVersionsRequest, { limit: 5 })
  @ApiOkResponse({ type: [AssistantVersion] })
  @ApiErrors(404)
  async getVersions(
    @Permission() permission: AssistantPermission,
    @Param() { assistant_id }: AssistantParams,
    @Body() body: AssistantVersionsRequest,
  ): Promise<AssistantVersion[]> {
    await this.access.check(permission, assistant_id, { metadata: body.metadata });
    return this.assistants.getVersions(assistant_id, body);
  }

  @Post(':assistant_id/latest')
  @Requires('assistants:update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make a version the current one', description: 'Restores all fields of that version.' })
  @BodyExample(AssistantSetLatest, { version: 1 })
  @ApiOkResponse({ type: Assistant })
  @ApiErrors(404)
  async setLatest(
    @Permission() permission: AssistantPermission,
    @Param() { assistant_id }: AssistantParams,
    @Body() body: AssistantSetLatest,
    @Query() query: AssistantSetLatestQuery,
  ): Promise<Assistant> {
    const version = requiredVersion(body.version ?? query.version);
    await this.access.check(permission, assistant_id, { version });
    return this.assistants.setLatest(assistant_id, version);
  }
}

/** SDKs send the version in the body; the official OpenAPI document has it in the query (contract 7.13). */
function requiredVersion(version: number | undefined): number {
  if (version === undefined) {
    throw new ValidationFailedError([{ path: 'version', message: 'is required' }]);
  }
  return version;
}
