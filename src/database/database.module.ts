import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { dataSourceOptions, NestgraphDataSource, poolOf } from './data-source.js';
import type { Database } from './database.js';
import { DATABASE } from './database.tokens.js';
import { HealthChecks, ObservabilityModule } from '../observability/index.js';
import { Notifications } from './notifications.js';
import { Sql } from './sql.js';

/** Owns the database connections: TypeORM's pool, shared with hand-written SQL, and notifications between processes. */
@Module({})
export class DatabaseModule {
  static forRoot(database: Database): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        ObservabilityModule,
        TypeOrmModule.forRootAsync({
          inject: [CONFIG],
          useFactory: ({ database: { pool_size } }: NestgraphConfig) => ({
            ...dataSourceOptions({ uri: database.uri, pool_size }),
            autoLoadEntities: true,
            retryAttempts: 0,
          }),
          dataSourceFactory: (options) => Promise.resolve(new NestgraphDataSource(options!)),
        }),
      ],
      providers: [
        { provide: DATABASE, useValue: database },
        {
          provide: Sql,
          inject: [DataSource, HealthChecks, CONFIG],
          useFactory: (dataSource: DataSource, health: HealthChecks, config: NestgraphConfig) => {
            const pool = poolOf(dataSource);
            health.register(() => pool.query('SELECT 1'));
            health.registerVital(() => database.isRunning?.() ?? true);
            return new Sql(pool, config.database.prepared_statements);
          },
        },
        {
          provide: Notifications,
          useFactory: async () => {
            const notifications = new Notifications(database);
            await notifications.start();
            return notifications;
          },
        },
      ],
      exports: [DATABASE, Sql, Notifications],
    };
  }
}
