import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AssistantsModule } from '../assistants/index.js';
import { ExecutionModule } from '../execution/index.js';
import { ObservabilityModule } from '../observability/index.js';
import { StreamsModule } from '../streams/index.js';
import { ThreadsModule } from '../threads/index.js';
import { FairClaims } from './queue/fair-claims.js';
import { RunClaims } from './queue/run-claims.js';
import { RunEndings } from './queue/run-endings.js';
import { RunFinder } from './queue/run-finder.js';
import { RunInserts } from './queue/run-inserts.js';
import { RunStops } from './queue/run-stops.js';
import { WebhookOutbox } from './queue/webhook-outbox.js';
import { CancelOnDisconnect } from './cancel/cancel-on-disconnect.js';
import { RunAccess } from './access/run-access.js';
import { IdempotentInsert } from './creation/idempotent-insert.js';
import { PreviousRuns } from './creation/previous-runs.js';
import { RunCreationService } from './creation/run-creation.service.js';
import { SlotOffer } from './creation/slot-offer.js';
import { RunEntity } from './run.entity.js';
import { RunOutputService } from './run-output.service.js';
import { RunInserter } from './creation/run-inserter.js';
import { RunPermissions } from './creation/run-permissions.js';
import { RunRecheck } from './access/run-recheck.js';
import { CancelRequests } from './cancel/cancel-requests.js';
import { Interrupt } from './cancel/interrupt.js';
import { Rollback } from './cancel/rollback.js';
import { RunStopService } from './cancel/run-stop.service.js';
import { RunsService } from './runs.service.js';
import { StoredResults } from './results/stored-results.js';
import { FinalState } from './webhooks/final-state.js';
import { OwnAddress } from './webhooks/own-address.js';
import { WebhookDelivery } from './webhooks/webhook-delivery.js';
import { WebhookSender } from './webhooks/webhook-sender.js';
import { WebhookWorker } from './webhooks/webhook-worker.js';
import { LeaseHeartbeat } from './worker/lease-heartbeat.js';
import { QueueSweep } from './worker/queue-sweep.js';
import { RunClaimer } from './worker/run-claimer.js';
import { RunExecutor } from './worker/run-executor.js';
import { RunFinisher } from './worker/run-finisher.js';
import { RunLifecycle } from './worker/run-lifecycle.js';
import { RunResults } from './results/run-results.js';
import { RunPreparation } from './worker/run-preparation.js';
import { RunSettlement } from './worker/run-settlement.js';
import { RunSlots } from './worker/run-slots.js';
import { RunWorker } from './worker/run-worker.js';
import { UnexecutedRuns } from './worker/unexecuted-runs.js';

/**
 * Owns runs: the queue, which is their table, the worker that executes them, their output and their webhooks.
 *
 *   pending ──claim──▶ running ──finish──▶ success | error | timeout
 *      │                  │  ▲
 *      │                  │  └─ lease expired, or released at shutdown: claimed again, resumes from the last checkpoint
 *      └──────cancel──────┴────────▶ interrupted
 */
@Module({
  imports: [
    TypeOrmModule.forFeature([RunEntity]),
    AssistantsModule,
    ExecutionModule,
    ObservabilityModule,
    StreamsModule,
    ThreadsModule,
  ],
  providers: [
    RunFinder,
    RunInserts,
    RunClaims,
    RunEndings,
    RunStops,
    FairClaims,
    WebhookOutbox,
    OwnAddress,
    WebhookSender,
    FinalState,
    WebhookDelivery,
    WebhookWorker,
    RunResults,
    RunFinisher,
    UnexecutedRuns,
    RunPreparation,
    RunSettlement,
    RunLifecycle,
    LeaseHeartbeat,
    RunExecutor,
    RunSlots,
    RunClaimer,
    QueueSweep,
    RunWorker,
    RunsService,
    RunAccess,
    RunPermissions,
    RunRecheck,
    CancelRequests,
    Interrupt,
    Rollback,
    RunStopService,
    IdempotentInsert,
    PreviousRuns,
    RunInserter,
    SlotOffer,
    RunCreationService,
    CancelOnDisconnect,
    StoredResults,
    RunOutputService,
  ],
  exports: [RunsService, RunAccess, RunPermissions, RunCreationService, RunOutputService],
})
export class RunsModule {}
