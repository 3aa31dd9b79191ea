import { ApiProperty } from '@nestjs/swagger';
import { BooleanField, FromQueryFlag } from '../http/index.js';

export class HealthQuery {
  /** Whether to also check the database. */
  @FromQueryFlag()
  @BooleanField({ default: false })
  check_db = false;
}

export class Health {
  /** True when the server is healthy. */
  ok: boolean;
}

/** Versions and features of the server (contract 5.1). */
export class ServerInfo {
  /** Version of Nestgraph. */
  version: string;
  /** Version of `@langchain/langgraph` that executes the graphs. */
  langgraph_js_version: string;
  /** Language of the graphs. */
  context: string;
  /** Feature flags; clients show or hide pages by them. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'boolean' } })
  flags: Record<string, boolean>;
  /** Additional information for display. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: Record<string, unknown>;
}
