import { mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { graphFiles } from './graph-files.js';

const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'nestgraph-')));
const configFile = path.join(folder, 'langgraph.json');

/** Relative to the folder of langgraph.json. */
function filesOf(content: string): string[] {
  writeFileSync(configFile, content);
  return graphFiles(configFile).map((file) => path.relative(folder, file));
}

const graphs = (...references: unknown[]): string =>
  JSON.stringify({ graphs: Object.fromEntries(references.map((reference, index) => [`graph${index}`, reference])) });

describe('graphFiles', () => {
  it('are in the order of langgraph.json, which is the last one', () => {
    const references = ['./apps/b/graph.ts:graph', { path: 'a.mjs', description: 'without an export' }];
    expect(filesOf(graphs(...references))).toEqual(['apps/b/graph.ts', 'a.mjs', 'langgraph.json']);
  });

  it('do not include Python graphs', () => {
    expect(filesOf(graphs('./agent.py:graph', './agent.ts:graph'))).toEqual(['agent.ts', 'langgraph.json']);
  });

  it('follow links', () => {
    writeFileSync(path.join(folder, 'real.ts'), '');
    symlinkSync('real.ts', path.join(folder, 'link.ts'));
    expect(filesOf(graphs('./link.ts:graph'))).toEqual(['real.ts', 'langgraph.json']);
  });

  it.each(['', '{', '[]', 'null', '{"graphs": 1}', '{"graphs": {"a": null}}', '{"graphs": {"a": {"path": 1}}}'])(
    'of %j are none',
    (content) => {
      expect(filesOf(content)).toEqual(['langgraph.json']);
    },
  );
});
