import { Module, type DynamicModule } from '@nestjs/common';
import type { NestgraphConfig } from './config.js';

/** Injection token of the `NestgraphConfig`. */
export const CONFIG = Symbol('CONFIG');

/** Owns the configuration. Every module can inject it: `@Inject(CONFIG) config: NestgraphConfig`. */
@Module({})
export class ConfigModule {
  static forRoot(config: NestgraphConfig): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [{ provide: CONFIG, useValue: config }],
      exports: [CONFIG],
    };
  }
}
