import { Module } from '@nestjs/common';
import { AssistantsController } from './assistants.controller.js';
import { AssistantsModule } from './assistants.module.js';

/** The routes of assistants; a worker does not load them. */
@Module({ imports: [AssistantsModule], controllers: [AssistantsController] })
export class AssistantsHttpModule {}
