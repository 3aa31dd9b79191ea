import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { AssistantsHttpModule } from './assistants/index.js';
import { AuthModule, AuthService } from './auth/index.js';
import { ConfigModule, type NestgraphConfig, type RouteGroup } from './config/index.js';
import { CronsHttpModule, CronsModule } from './crons/index.js';
import { type Database, DatabaseModule } from './database/index.js';
import { HealthHttpModule } from './observability/index.js';
import { RunsHttpModule } from './runs/index.js';
import { StoreHttpModule } from './store/index.js';
import { ThreadsHttpModule } from './threads/index.js';

/** The modules that `http.disable_<group>` removes. Only the routes are removed: runs are still executed. */
const ROUTES: [RouteGroup, Type][] = [
  ['meta', HealthHttpModule],
  ['assistants', AssistantsHttpModule],
  ['threads', ThreadsHttpModule],
  ['runs', RunsHttpModule],
  ['store', StoreHttpModule],
  ['runs', CronsHttpModule],
];

/** The application: with routes as a server, without routes as a worker. */
@Module({})
export class AppModule {
  /** `others` are modules of the project: their guards and interceptors apply to the built-in routes, too. */
  static forServer(
    config: NestgraphConfig,
    database: Database,
    { auth = new AuthService(), others = [] }: { auth?: AuthService; others?: Type[] } = {},
  ): DynamicModule {
    const routes = ROUTES.filter(([group]) => !config.http.disabled.includes(group)).map(([, module]) => module);
    return { module: AppModule, imports: [...core(config, database, auth), CronsModule, ...others, ...routes] };
  }

  /** A worker serves no requests. It uses `auth` to authorize queued runs, crons and webhooks on behalf of their callers. */
  static forWorker(config: NestgraphConfig, database: Database, auth: AuthService): DynamicModule {
    return { module: AppModule, imports: [...core(config, database, auth), CronsModule] };
  }
}

const core = (config: NestgraphConfig, database: Database, auth: AuthService): DynamicModule[] => [
  ConfigModule.forRoot(config),
  DatabaseModule.forRoot(database),
  AuthModule.forRoot(auth),
];
