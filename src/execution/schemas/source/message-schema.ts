import type { JsonSchema } from '../graph-schemas.js';

/** Content of a message: a string, or a list of parts (text, images, ...). */
const CONTENT: JsonSchema = {
  anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'object' } }],
};

const COMMON: Record<string, JsonSchema> = {
  content: CONTENT,
  id: { type: 'string' },
  name: { type: 'string' },
  additional_kwargs: { type: 'object' },
  response_metadata: { type: 'object' },
};

const TOOL_CALL: JsonSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, args: { type: 'object' }, id: { type: 'string' } },
  required: ['name', 'args'],
};

interface MessageKind {
  type: string;
  own?: Record<string, JsonSchema>;
  required?: string[];
}

/** The message classes in wire format: their fields and a `type` (behaviours 1.2). */
const KINDS: Record<string, MessageKind> = {
  HumanMessage: { type: 'human' },
  AIMessage: {
    type: 'ai',
    own: {
      tool_calls: { type: 'array', items: TOOL_CALL },
      invalid_tool_calls: { type: 'array', items: { type: 'object' } },
      usage_metadata: { type: 'object' },
    },
  },
  SystemMessage: { type: 'system' },
  ToolMessage: {
    type: 'tool',
    own: { tool_call_id: { type: 'string' }, status: { type: 'string', enum: ['success', 'error'] }, artifact: {} },
    required: ['tool_call_id'],
  },
  FunctionMessage: { type: 'function', required: ['name'] },
  ChatMessage: { type: 'generic', own: { role: { type: 'string' } }, required: ['role'] },
  RemoveMessage: { type: 'remove', required: ['id'] },
};

function kindSchema(name: string, { type, own = {}, required = [] }: MessageKind): JsonSchema {
  return {
    type: 'object',
    title: name,
    properties: { type: { type: 'string', const: type }, ...COMMON, ...own },
    required: ['type', 'content', ...required],
  };
}

/** The wire schema of a message class; for a base class, the union of all. */
export function messageSchema(className: string, description: string): JsonSchema {
  const name = className.replace(/Chunk$/, '');
  const kind = KINDS[name];
  return kind
    ? { ...kindSchema(name, kind), description }
    : { type: 'object', description, oneOf: Object.entries(KINDS).map(([each, its]) => kindSchema(each, its)) };
}
