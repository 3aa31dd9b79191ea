import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ExecutionModule } from '../execution/index.js';
import { ThreadsModule } from '../threads/index.js';
import { AssistantAccess } from './assistant-access.js';
import { AssistantEntity, AssistantVersionEntity } from './assistant.entity.js';
import { AssistantsService } from './assistants.service.js';
import { AssistantCache } from './assistant-cache.js';
import { RunAssistants } from './run-assistants.js';

/** Owns assistants and their versions, and creates a system assistant for every graph of langgraph.json. */
@Module({
  imports: [TypeOrmModule.forFeature([AssistantEntity, AssistantVersionEntity]), ExecutionModule, ThreadsModule],
  providers: [AssistantsService, AssistantAccess, RunAssistants, AssistantCache],
  exports: [AssistantsService, AssistantAccess, RunAssistants],
})
export class AssistantsModule {}
