// A route that causes an unhandled rejection.
import { Controller, Get, Module } from '@nestjs/common';
import { careless } from './careless.js';

@Controller('module')
class CarelessController {
  @Get()
  get(): object {
    careless('module');
    return {};
  }
}

@Module({ controllers: [CarelessController] })
export class CarelessModule {}
