import { Body, Controller, Delete, Get, HttpCode, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Permission, Requires } from '../auth/index.js';
import { ApiErrors, BodyExample, sendPage, sendWire } from '../http/index.js';
import { Item, ListNamespaceResponse, SearchItemsResponse } from './dto/item.dto.js';
import {
  StoreDeleteRequest,
  StoreGetQuery,
  StoreListNamespacesRequest,
  StorePutRequest,
  StoreSearchRequest,
} from './dto/store-requests.dto.js';
import { StoreAccess, type StorePermission } from './store-access.js';
import { StoreService } from './store.service.js';

@ApiTags('Store')
@Controller('store')
export class StoreController {
  constructor(
    private readonly access: StoreAccess,
    private readonly store: StoreService,
  ) {}

  @Put('items')
  @Requires('store:put')
  @HttpCode(204)
  @ApiOperation({ summary: 'Put an item', description: 'Graphs access the same item in their store.' })
  @BodyExample(StorePutRequest, {
    namespace: ['users', 'ada'],
    key: 'likes',
    value: { animals: ['parrots'], sure: 0.9 },
  })
  @ApiNoContentResponse({ description: 'Put.' })
  @ApiErrors()
  async putItem(@Permission() permission: StorePermission, @Body() body: StorePutRequest): Promise<void> {
    await this.store.putItem(...(await this.access.toItem(permission, body)));
  }

  @Get('items')
  @Requires('store:get')
  @ApiOperation({ summary: 'Get an item', description: 'Returns `null` for a missing or expired item.' })
  @ApiExtraModels(Item)
  @ApiOkResponse({ schema: { oneOf: [{ $ref: getSchemaPath(Item) }, { type: 'null' }] } })
  @ApiErrors()
  async getItem(
    @Permission() permission: StorePermission,
    @Query() query: StoreGetQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    // Nest would send an empty body for a null result.
    await sendWire(reply, await this.store.getItem(...(await this.access.toItem(permission, query))));
  }

  @Delete('items')
  @Requires('store:delete')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an item', description: 'Succeeds for a missing item too.' })
  @BodyExample(StoreDeleteRequest, { namespace: ['users', 'ada'], key: 'likes' })
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiErrors()
  async deleteItem(@Permission() permission: StorePermission, @Body() body: StoreDeleteRequest): Promise<void> {
    await this.store.deleteItem(...(await this.access.toItem(permission, body)));
  }

  @Post('items/search')
  @Requires('store:search')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Search items',
    description:
      'Returns one page. With a `query` and an index, the most similar items come first; otherwise items are sorted by ' +
      'namespace and then by their first put. `X-Pagination-Next` is present while more items may follow.',
  })
  @BodyExample(StoreSearchRequest, { namespace_prefix: ['users'], filter: { sure: { $gt: 0.5 } }, limit: 5 })
  @ApiOkResponse({ type: SearchItemsResponse })
  @ApiErrors()
  async searchItems(
    @Permission() permission: StorePermission,
    @Body() body: StoreSearchRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SearchItemsResponse> {
    const permitted = await this.access.toSearch(permission, body);
    return { items: sendPage(reply, await this.store.searchItems(...permitted), body) };
  }

  @Post('namespaces')
  @Requires('store:list_namespaces')
  @HttpCode(200)
  @ApiOperation({ summary: 'List namespaces', description: 'Returns the namespaces that have items, sorted.' })
  @BodyExample(StoreListNamespacesRequest, { prefix: ['users', '*'], max_depth: 2 })
  @ApiOkResponse({ type: ListNamespaceResponse })
  @ApiErrors()
  async listNamespaces(
    @Permission() permission: StorePermission,
    @Body() body: StoreListNamespacesRequest,
  ): Promise<ListNamespaceResponse> {
    return { namespaces: await this.store.listNamespaces(...(await this.access.toNamespaces(permission, body))) };
  }
}
