import {
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Module,
  type NestInterceptor,
  Param,
  Query,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { IsIn, IsInt, IsOptional } from 'class-validator';
import { tap } from 'rxjs';
import { ApiExceptionFilter, DtoValidationPipe, FromQueryNumber } from '../http/index.js';
import { ForbiddenError } from './auth.errors.js';
import { AuthModule } from './auth.module.js';
import { AuthService } from './auth.service.js';
import { type AuthUser, toUser } from './auth-user.js';
import type { AuthRequest, Authorizer } from './authenticator.js';
import type { PathDecider } from './path-permission.interceptor.js';
import type { RoutePermission } from './permission.guard.js';
import { Permission, Requires } from './requires.js';

class ParrotParams {
  @IsIn(['polly', 'jack'])
  parrot_id!: string;
}

class ParrotQuery {
  @IsOptional()
  @IsInt()
  @FromQueryNumber()
  limit?: number;
}

/** What the authorizer was called with. */
const decisions: unknown[] = [];

const authorizer: Authorizer = {
  authorize({ event, user, value }: AuthRequest): Promise<undefined> {
    decisions.push([event, { ...value }]);
    return user.identity === 'ada' ? Promise.resolve(undefined) : Promise.reject(new ForbiddenError());
  },
};

@Injectable()
class Parrots implements PathDecider {
  constructor(private readonly auth: AuthService) {}

  async decideOnPath(permission: RoutePermission, params: object): Promise<void> {
    await this.auth.authorize(permission, permission.event, params);
  }
}

@Controller('parrots/:parrot_id')
class ParrotsController {
  constructor(private readonly auth: AuthService) {}

  @Get()
  @Requires('threads:read', Parrots)
  get(@Param() { parrot_id }: ParrotParams, @Query() { limit }: ParrotQuery): object {
    return { parrot_id, limit };
  }

  @Get('events')
  @Requires(['threads:update', 'assistants:read'])
  async events(@Permission() permission: RoutePermission, @Query() { limit }: ParrotQuery): Promise<object> {
    const event = limit === undefined ? permission.event : 'threads:delete';
    return (await this.auth.authorize(permission, event, { event })).value;
  }
}

/** The outcomes that an interceptor of a Nest module sees. */
const outcomes: string[] = [];

@Injectable()
class Audit implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(tap({ next: () => outcomes.push('done'), error: () => outcomes.push('refused') }));
  }
}

@Module({
  imports: [AuthModule.forRoot(new AuthService({ authorizer }))],
  controllers: [ParrotsController],
  providers: [Parrots, { provide: APP_INTERCEPTOR, useClass: Audit }],
})
class ParrotsModule {}

let app: NestFastifyApplication;
let user: AuthUser | undefined;

beforeAll(async () => {
  const module = await Test.createTestingModule({ imports: [ParrotsModule] }).compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  app.useGlobalFilters(new ApiExceptionFilter());
  app.useGlobalPipes(new DtoValidationPipe());
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (request, _reply, done) => {
    request.auth = { user };
    done();
  });
  await app.init();
});
beforeEach(() => {
  user = toUser('ada');
  [decisions, outcomes].forEach((list) => list.splice(0));
});
afterAll(() => app.close());

async function get(url: string): Promise<[status: number, body: unknown]> {
  const { statusCode, body } = await app.inject({ url });
  return [statusCode, JSON.parse(body)];
}

it('the decider gets the permission of the route with the validated path', async () => {
  expect(await get('/parrots/polly?limit=2')).toEqual([200, { parrot_id: 'polly', limit: 2 }]);
  expect(decisions).toEqual([['threads:read', { parrot_id: 'polly' }]]);
});

it('a route whose permission is refused is not called, and interceptors of Nest modules see the refusal', async () => {
  user = toUser('mallory');
  expect(await get('/parrots/polly')).toEqual([403, { detail: 'Not authorized', code: 'forbidden' }]);
  expect(outcomes).toEqual(['refused']);
});

it('an invalid request is refused as invalid, without a decision', async () => {
  user = toUser('mallory');
  for (const url of ['/parrots/dodo', '/parrots/polly?limit=many']) {
    expect((await get(url))[0]).toBe(422);
  }
  expect(decisions).toEqual([]);
});

it('without a user there is nothing to decide', async () => {
  user = undefined;
  expect((await get('/parrots/polly'))[0]).toBe(200);
  expect((await get('/parrots/polly/events'))[0]).toBe(200);
  expect(decisions).toEqual([]);
});

it('a handler gets the first permission of its route', async () => {
  expect(await get('/parrots/polly/events')).toEqual([200, { event: 'threads:update' }]);
});

it('a route cannot decide a permission that it does not list', async () => {
  expect((await get('/parrots/polly/events?limit=1'))[0]).toBe(500);
  expect(decisions).toEqual([]);
});
