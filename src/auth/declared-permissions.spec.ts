import { Controller, Get, Module, Post, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';
import { Public } from '../http/index.js';
import { AuthModule } from './auth.module.js';
import { AuthService } from './auth.service.js';
import { assertPermissionsDeclared } from './declared-permissions.js';
import { Requires } from './requires.js';

@Controller('parrots')
class DeclaredController {
  @Get()
  @Public()
  list(): void {}

  @Post()
  @Requires('threads:create')
  create(): void {}

  helper(): void {}
}

@Controller('parrots/:parrot_id')
class UndeclaredController {
  @Get('feathers')
  feathers(): void {}

  @Post()
  feed(): void {}
}

@Module({ controllers: [DeclaredController] })
class DeclaredModule {}

@Module({ controllers: [UndeclaredController] })
class UndeclaredModule {}

@Module({ imports: [UndeclaredModule] })
class ModuleOfProject {}

async function check(modules: Type[], ofProject: Type[] = []): Promise<void> {
  const imports = [AuthModule.forRoot(new AuthService()), ...modules, ...ofProject];
  const app = await Test.createTestingModule({ imports }).compile();
  assertPermissionsDeclared(app.get(ModulesContainer), ofProject);
}

describe('a route with neither @Requires nor @Public', () => {
  it('stops the start, which names the route and its handler', async () => {
    await expect(check([DeclaredModule, UndeclaredModule])).rejects.toThrow(
      'GET /parrots/:parrot_id/feathers (UndeclaredController.feathers), POST /parrots/:parrot_id ' +
        '(UndeclaredController.feed): no permission is declared. Add @Requires with the permission, or @Public when ' +
        'callers need none.',
    );
  });

  it('stops no start when a module of the project has it, directly or by an import', async () => {
    await expect(check([DeclaredModule], [UndeclaredModule])).resolves.toBeUndefined();
    await expect(check([DeclaredModule], [ModuleOfProject])).resolves.toBeUndefined();
  });

  it('stops the start beside a module of the project', async () => {
    @Module({})
    class Other {}
    await expect(check([DeclaredModule, UndeclaredModule], [Other])).rejects.toThrow('UndeclaredController.feed');
  });
});
