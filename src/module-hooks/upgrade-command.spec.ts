import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { upgradeCommand } from './upgrade-command.js';

const BOTH = '@langchain/langgraph@latest @langchain/core@latest';

/** Files by path; gives the langgraph.json among them. */
function projectOf(files: Record<string, object>): string {
  const root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'nestgraph-')));
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), JSON.stringify(content));
  }
  return path.join(root, 'langgraph.json');
}

const graphsAt = (file: string): object => ({ graphs: { agent: `./${file}:graph` } });
const LANGGRAPH = { '@langchain/langgraph': '^1.0.0' };

describe('upgradeCommand', () => {
  it('upgrades LangGraph and core', () => {
    const project = projectOf({ 'langgraph.json': graphsAt('a.ts'), 'package.json': { dependencies: LANGGRAPH } });
    expect(upgradeCommand(project)).toBe(`npm install ${BOTH}`);
  });

  it('goes to the package of the graph when that one declares LangGraph', () => {
    const project = projectOf({
      'langgraph.json': graphsAt('apps/agent/src/a.ts'),
      'package.json': { workspaces: ['apps/*'] },
      'apps/agent/package.json': { devDependencies: LANGGRAPH },
    });
    const folder = path.relative(process.cwd(), path.join(path.dirname(project), 'apps/agent'));
    expect(upgradeCommand(project)).toBe(`cd ${folder} && npm install ${BOTH}`);
  });

  it('stays in the folder of langgraph.json when no package declares it', () => {
    const project = projectOf({ 'langgraph.json': graphsAt('src/a.ts'), 'src/package.json': {} });
    expect(upgradeCommand(project)).toBe(`npm install ${BOTH}`);
  });

  it('takes along packages that were made for a core before 1.0', () => {
    const dependencies = {
      ...LANGGRAPH,
      langchain: '0.3.2',
      '@langchain/openai': '^0.6.0',
      '@langchain/aws': '^1.0.0',
    };
    const project = projectOf({ 'langgraph.json': graphsAt('a.ts'), 'package.json': { dependencies } });
    expect(upgradeCommand(project, ['zod@3.25.76'])).toBe(
      `npm install ${BOTH} langchain@latest @langchain/openai@latest zod@3.25.76`,
    );
  });

  it.each(['resolutions', 'overrides'])('names what %s would undo', (key) => {
    const project = projectOf({
      'langgraph.json': graphsAt('a.ts'),
      'package.json': { dependencies: LANGGRAPH, [key]: { '@langchain/core': '0.3.65' } },
    });
    expect(upgradeCommand(project)).toBe(
      `npm install ${BOTH} (first remove @langchain/core from the overrides in ${path.dirname(project)}/package.json)`,
    );
  });
});
