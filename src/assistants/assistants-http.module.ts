import { Module } from '@nestjs/common';
import { ExecutionModule } from '../execution/index.js';
import { AssistantGraphController } from './assistant-graph.controller.js';
import { AssistantGraphService } from './assistant-graph.service.js';
import { AssistantsController } from './assistants.controller.js';
import { AssistantsModule } from './assistants.module.js';

/** The routes of assistants. A worker-only process does not load them. */
@Module({
  imports: [AssistantsModule, ExecutionModule],
  controllers: [AssistantsController, AssistantGraphController],
  providers: [AssistantGraphService],
})
export class AssistantsHttpModule {}
