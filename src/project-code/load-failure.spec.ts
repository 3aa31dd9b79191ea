import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ModuleError } from './import-source.js';
import { reasonOf } from './load-failure.js';

const errorWith = (stack: string[], error = new TypeError('no model')): Error =>
  Object.assign(error, { stack: [`TypeError: no model`, ...stack.map((frame) => `    at ${frame}`)].join('\n') });

describe('the reason of a load failure', () => {
  it('names the first stack frame in the project, skipping packages and Node', () => {
    const error = errorWith([
      'node:internal/modules/cjs/loader:1564:15',
      'new Model (file:///project/node_modules/model/index.js:1:2)',
      'create (file:///project/src/agents/x.ts?nestgraph=3:92:11)',
      'file:///project/src/index.ts?nestgraph=3:4:1',
    ]);
    expect(reasonOf(error, '/project')).toBe('TypeError: no model (src/agents/x.ts:92)');
  });

  it('names no line when no stack frame is in the project', () => {
    expect(reasonOf(errorWith(['load (node:internal/x:1:2)', '/elsewhere/a.js:1:2']), '/project')).toBe(
      'TypeError: no model',
    );
  });

  it('includes the causes, and stops at a circular cause', () => {
    const inner = new Error('no key');
    const outer = new RangeError('no tools', { cause: inner });
    inner.cause = outer;
    expect(reasonOf(outer, '/elsewhere')).toBe('RangeError: no tools; caused by Error: no key');
  });

  it('omits the wrapper of an import, and names the location of a compile error', () => {
    const failed = new Error('Transform failed with 1 error:\n/project/src/a.ts:2:10: ERROR: Unexpected "("');
    expect(reasonOf(new ModuleError('Error: Transform failed', failed), '/project')).toBe('src/a.ts:2: Unexpected "("');
    expect(reasonOf(new ModuleError('it has no export "x"'), '/project')).toBe('it has no export "x"');
  });

  it.each([
    ["Cannot find package '@acme/parrots' imported from /project/src/a.ts?nestgraph=1", 'src/a.ts', '@acme/parrots'],
    ["Cannot find module 'parrots/grey'\nRequire stack:\n- /project/src/a.ts\n- /x.js", 'src/a.ts', 'parrots'],
  ])('is one sentence with the command when a package is missing: %j', (message, file, name) => {
    expect(reasonOf(new Error(message), '/project')).toBe(
      `${file} imports ${name}, which is not installed: run npm install ${name}`,
    );
  });

  it('contains the command of the package manager, for the package of the importing file', () => {
    const project = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-'));
    const member = path.join(project, 'apps/agent');
    mkdirSync(member, { recursive: true });
    writeFileSync(path.join(project, 'pnpm-lock.yaml'), '');
    writeFileSync(path.join(project, 'package.json'), '{}');
    writeFileSync(path.join(member, 'package.json'), '{}');
    const reasonIn = (file: string): string =>
      reasonOf(new Error(`Cannot find package 'parrots' imported from ${path.join(project, file)}`), project);

    expect(reasonIn('src/a.ts')).toBe('src/a.ts imports parrots, which is not installed: run pnpm add parrots');
    expect(reasonIn('apps/agent/a.ts')).toBe(
      'apps/agent/a.ts imports parrots, which is not installed: ' +
        `run cd ${path.relative(process.cwd(), member)} && pnpm add parrots`,
    );
  });

  it.each(["Cannot find module './parrots.js'", "Cannot find module '/project/a.js' imported from /project/b.js"])(
    'is what Node says when a file is missing: %j',
    (message) => {
      expect(reasonOf(new Error(message), '/project')).toBe(`Error: ${message}`);
    },
  );

  it.each([
    ['a string', 'a string'],
    [undefined, 'undefined'],
    [null, 'null'],
  ])('accepts a thrown %j', (thrown, reason) => {
    expect(reasonOf(thrown, '/project')).toBe(reason);
  });
});
