import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ExecutionModule } from '../execution/index.js';
import { ThreadsModule } from '../threads/index.js';
import { AssistantAccess } from './assistant-access.js';
import { AssistantEntity, AssistantVersionEntity } from './assistant.entity.js';
import { AssistantsService } from './assistants.service.js';
import { KnownAssistants } from './known-assistants.js';

/** Owns assistants and their versions, and makes one for every graph of langgraph.json. */
@Module({
  imports: [TypeOrmModule.forFeature([AssistantEntity, AssistantVersionEntity]), ExecutionModule, ThreadsModule],
  providers: [AssistantsService, AssistantAccess, KnownAssistants],
  exports: [AssistantsService, AssistantAccess],
})
export class AssistantsModule {}
