import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What the OpenAPI document says about a value. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
}

export interface Operation {
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const FILE = path.resolve(import.meta.dirname, '../../openapi.json');
/** A test compares it with what the program prints, from the DTOs. */
export const DOCUMENT = JSON.parse(readFileSync(FILE, 'utf8')) as Document;
