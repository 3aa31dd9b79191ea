import { BaseStore } from '@langchain/langgraph';
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ItemStore } from './item-store.js';
import { PostgresStore } from './postgres-store.js';
import { SemanticIndex } from './semantic-index.js';
import { StoreItemEntity } from './store-item.entity.js';
import { StoreSweepService } from './store-sweep.service.js';
import { StoreService } from './store.service.js';

/** Owns the store: items by namespace and key, for graphs and clients. */
@Module({
  imports: [TypeOrmModule.forFeature([StoreItemEntity])],
  providers: [
    ItemStore,
    SemanticIndex,
    StoreService,
    StoreSweepService,
    PostgresStore,
    { provide: BaseStore, useExisting: PostgresStore },
  ],
  exports: [StoreService, BaseStore],
})
export class StoreModule {}
