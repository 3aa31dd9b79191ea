import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The schema of a value in the document. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  format?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  required?: string[];
  items?: Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  minimum?: number;
  maximum?: number;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  schema: Schema;
}

/** One operation of the document. */
export interface Route {
  /** `POST /threads`. */
  name: string;
  method: string;
  /** With placeholders such as `{thread_id}`. */
  path: string;
  parameters: Parameter[];
  body?: Schema;
  /** Example bodies of the document. */
  examples: unknown[];
}

interface Operation {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema; examples?: Record<string, { value: unknown }> }> };
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const FILE = path.resolve(import.meta.dirname, '../../openapi.json');
/** A test compares the file with the output of the program: it contains every new route, and so does this suite. */
const document = JSON.parse(readFileSync(FILE, 'utf8')) as Document;

export const ROUTES: Route[] = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, { parameters = [], requestBody }]) => {
    const content = requestBody?.content['application/json'];
    return {
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      parameters,
      body: content?.schema,
      examples: Object.values(content?.examples ?? {}).map(({ value }) => value),
    };
  }),
);

/** Resolves a reference to a schema. */
export function resolve(schema: Schema): Schema {
  const [only] = schema.allOf ?? [];
  const reference = schema.$ref ?? only?.$ref;
  return reference ? document.components.schemas[reference.replace('#/components/schemas/', '')] : schema;
}
