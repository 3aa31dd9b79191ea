import { type DynamicModule, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SourceReloader } from './source-reloader.js';

/** Watches the sources of the project from the moment in which all of its parts are loaded. */
@Module({})
export class ProjectCodeModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(private readonly sources: SourceReloader) {}

  static forRoot(sources: SourceReloader): DynamicModule {
    const provider = { provide: SourceReloader, useValue: sources };
    return { module: ProjectCodeModule, global: true, providers: [provider], exports: [SourceReloader] };
  }

  onApplicationBootstrap(): void {
    this.sources.start();
  }

  onModuleDestroy(): void {
    this.sources.stop();
  }
}
