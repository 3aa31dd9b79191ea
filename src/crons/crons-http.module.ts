import { Module } from '@nestjs/common';
import { CronsController } from './crons.controller.js';
import { CronsModule } from './crons.module.js';

/** The routes of crons; a worker does not load them. */
@Module({ imports: [CronsModule], controllers: [CronsController] })
export class CronsHttpModule {}
