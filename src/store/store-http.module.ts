import { Module } from '@nestjs/common';
import { StoreController } from './store.controller.js';
import { StoreAccess } from './store-access.js';
import { StoreModule } from './store.module.js';

/** The routes of the store. A worker-only process does not load them. */
@Module({ imports: [StoreModule], controllers: [StoreController], providers: [StoreAccess] })
export class StoreHttpModule {}
