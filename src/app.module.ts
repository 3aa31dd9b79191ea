import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { AssistantsHttpModule } from './assistants/index.js';
import { AuthModule, AuthService } from './auth/index.js';
import { ConfigModule, type NestgraphConfig, type RouteGroup } from './config/index.js';
import { CronsHttpModule, CronsModule } from './crons/index.js';
import { type Database, DatabaseModule } from './database/index.js';
import { HttpModule } from './http/index.js';
import { LimitsModule } from './limits/index.js';
import { HealthHttpModule } from './observability/index.js';
import { ProjectCodeModule, SourceReloader } from './project-code/index.js';
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

interface ServerParts {
  auth?: AuthService;
  sources?: SourceReloader;
  /** Modules of the user: their guards and interceptors apply to our routes, too. */
  others?: Type[];
}

/** The service: with its routes as a server, without them as a worker. */
@Module({})
export class AppModule {
  static forServer(
    config: NestgraphConfig,
    database: Database,
    { auth = new AuthService(), sources = new SourceReloader(config), others = [] }: ServerParts = {},
  ): DynamicModule {
    const routes = ROUTES.filter(([group]) => !config.http.disabled.includes(group)).map(([, module]) => module);
    return {
      module: AppModule,
      imports: [...core(config, database, auth, sources), HttpModule, LimitsModule, CronsModule, ...others, ...routes],
    };
  }

  /** A worker serves no requests. It uses `auth` to authorize queued runs, crons and webhooks on behalf of their callers. */
  static forWorker(config: NestgraphConfig, database: Database, auth: AuthService): DynamicModule {
    const sources = new SourceReloader(config);
    return { module: AppModule, imports: [...core(config, database, auth, sources), CronsModule] };
  }
}

const core = (
  config: NestgraphConfig,
  database: Database,
  auth: AuthService,
  sources: SourceReloader,
): DynamicModule[] => [
  ConfigModule.forRoot(config),
  ProjectCodeModule.forRoot(sources),
  DatabaseModule.forRoot(database),
  AuthModule.forRoot(auth),
];
