import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ItemStore } from './item-store.js';
import { StoreItemEntity } from './store-item.entity.js';
import { StoreService } from './store.service.js';

/** Owns shared memory: items by namespace and key, for graphs and for clients. */
@Module({
  imports: [TypeOrmModule.forFeature([StoreItemEntity])],
  providers: [ItemStore, StoreService],
  exports: [StoreService],
})
export class StoreModule {}
