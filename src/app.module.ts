import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { AssistantsHttpModule } from './assistants/index.js';
import { ConfigModule, type NestgraphConfig, type RouteGroup } from './config/index.js';
import { type Database, DatabaseModule } from './database/index.js';
import { HealthHttpModule } from './observability/index.js';
import { RunsHttpModule, RunsModule } from './runs/index.js';
import { ThreadsHttpModule } from './threads/index.js';

/** What `http.disable_<group>` leaves out. Everything behind the routes stays: runs are executed all the same. */
const ROUTES: [RouteGroup, Type][] = [
  ['meta', HealthHttpModule],
  ['assistants', AssistantsHttpModule],
  ['threads', ThreadsHttpModule],
  ['runs', RunsHttpModule],
];

/** The service: with its routes as a server, without them as a worker. */
@Module({})
export class AppModule {
  static forServer(config: NestgraphConfig, database: Database): DynamicModule {
    const routes = ROUTES.filter(([group]) => !config.http.disabled.includes(group)).map(([, module]) => module);
    return { module: AppModule, imports: [...core(config, database), RunsModule, ...routes] };
  }

  static forWorker(config: NestgraphConfig, database: Database): DynamicModule {
    return { module: AppModule, imports: [...core(config, database), RunsModule] };
  }
}

const core = (config: NestgraphConfig, database: Database): DynamicModule[] => [
  ConfigModule.forRoot(config),
  DatabaseModule.forRoot(database),
];
