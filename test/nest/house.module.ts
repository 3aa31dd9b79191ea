// A guard for all routes, an interceptor that counts, and a route of its own.
import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Get,
  Inject,
  Injectable,
  Module,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

@Injectable()
class Visitors {
  count = 0;
}

@Injectable()
class Doorkeeper implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    if (headers['x-muddy-boots'] !== undefined) {
      throw new ForbiddenException('Wipe your boots.');
    }
    return true;
  }
}

@Injectable()
class Counter implements NestInterceptor {
  constructor(@Inject(Visitors) private readonly visitors: Visitors) {}

  intercept(context: ExecutionContext, next: CallHandler) {
    this.visitors.count += 1;
    context.switchToHttp().getResponse<FastifyReply>().header('x-visitor', String(this.visitors.count));
    return next.handle();
  }
}

@Controller('house')
class HouseController {
  @Get()
  hello(): object {
    return { hello: 'visitor' };
  }
}

@Module({
  controllers: [HouseController],
  providers: [Visitors, { provide: APP_GUARD, useClass: Doorkeeper }, { provide: APP_INTERCEPTOR, useClass: Counter }],
})
export class HouseModule {}
