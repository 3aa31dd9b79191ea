import { expect, it } from '@jest/globals';
import { ImportGraph } from './import-graph.js';

const graph = new ImportGraph();
graph.add('/p/lib/model.ts', '/p/agent.ts');
graph.add('/p/lib/key.ts', '/p/lib/model.ts');
graph.add('/p/lib/model.ts', '/p/lib/key.ts');
graph.add('/p/lib/key.ts', '/p/auth.ts');

it.each<[string, string[], boolean]>([
  ['/p/agent.ts', ['/p/agent.ts'], true],
  ['/p/lib/key.ts', ['/p/agent.ts'], true],
  ['/p/lib/model.ts', ['/p/auth.ts'], true],
  ['/p/agent.ts', ['/p/auth.ts'], false],
  ['/p/lib/model.ts', ['/p/other.ts', '/p/agent.ts'], true],
  ['/p/unknown.ts', ['/p/agent.ts'], false],
  ['/p/lib/model.ts', [], false],
])('%s is used by %j: %s', (file, entries, isUsed) => {
  expect(graph.isUsedBy(entries, file)).toBe(isUsed);
});
