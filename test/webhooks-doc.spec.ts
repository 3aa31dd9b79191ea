import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { MAX_ATTEMPTS } from '../src/runs/webhooks/back-off.js';
import { signatureOf } from '../src/runs/webhooks/signature.js';

const document = readFileSync(path.resolve(import.meta.dirname, '../docs/webhooks.md'), 'utf8');

type Verify = (headers: Record<string, string>, body: string, secret: string) => boolean;

const ID = '0192f0c1-0000-7000-8000-000000000000';
const BODY = '{"run_id": "ä"}';

describe('the lines in docs/webhooks.md that check a signature', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-doc-'));
  let isFromNestgraph: Verify;

  beforeAll(async () => {
    const [, source] = /```ts\n(.*?)```/s.exec(document)!;
    const file = path.join(folder, 'verify.mjs');
    const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 };
    writeFileSync(file, ts.transpileModule(source, { compilerOptions: options }).outputText);
    ({ isFromNestgraph } = (await import(file)) as { isFromNestgraph: Verify });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const now = () => Math.floor(Date.now() / 1000);
  const headersOf = (secret: string, timestamp = now()) => ({
    'webhook-id': ID,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatureOf({ id: ID, timestamp, body: BODY }, secret),
  });

  it.each(['0123456789abcdef', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])('accept ours: %s', (secret) => {
    expect(isFromNestgraph(headersOf(secret), BODY, secret)).toBe(true);
  });

  it.each([
    ['another body', headersOf('0123456789abcdef'), '{}'],
    ['another secret', headersOf('fedcba9876543210'), BODY],
    ['another id', { ...headersOf('0123456789abcdef'), 'webhook-id': 'x' }, BODY],
    ['another time', { ...headersOf('0123456789abcdef'), 'webhook-timestamp': String(now() - 1) }, BODY],
    ['an old request', headersOf('0123456789abcdef', now() - 400), BODY],
    ['no signature', { 'webhook-id': ID, 'webhook-timestamp': String(now()) }, BODY],
    ['no headers', {}, BODY],
  ])('refuse %s', (_, headers, body) => {
    expect(isFromNestgraph(headers as Record<string, string>, body, '0123456789abcdef')).toBe(false);
  });
});

it('docs/webhooks.md gives the number of attempts', () => {
  expect(MAX_ATTEMPTS).toBe(7);
  expect(document).toContain('seven attempts');
});
