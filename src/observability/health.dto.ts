import { ApiProperty } from '@nestjs/swagger';
import { Flag, FromQueryFlag } from '../common/index.js';

export class HealthQuery {
  /** Ask the database too. */
  @FromQueryFlag()
  @Flag({ default: false })
  check_db = false;
}

export class Health {
  /** True when the server can serve. */
  ok: boolean;
}

/** What this server is and can do (contract 5.1). */
export class ServerInfo {
  /** Version of Nestgraph. */
  version: string;
  /** Version of `@langchain/langgraph` that graphs run on. */
  langgraph_js_version: string;
  /** Language of the graphs. */
  context: string;
  /** Features clients enable pages by. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'boolean' } })
  flags: Record<string, boolean>;
  /** For display. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: Record<string, unknown>;
}
