// Has one route, which fails outside of what is awaited.
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
