import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { MigrationInterface } from 'typeorm';
import ts from 'typescript';
import * as migrations from '../migrations/index.js';

const ROOT = path.resolve(import.meta.dirname, '..');

/** Imports point left (docs/decisions/0001-folder-line.md). */
const LINE = [
  ['migrations'],
  ['common'],
  ['http'],
  ['project-code'],
  ['config'],
  ['observability'],
  ['auth'],
  ['limits'],
  ['custom-app'],
  ['database'],
  ['streams'],
  ['store'],
  ['execution'],
  ['threads'],
  ['assistants'],
  ['runs'],
  ['crons'],
  // The files at the top of src that put the folders together.
  ['app.module', 'openapi', 'server', 'in-process-fetch', 'user-modules', 'index'],
  ['cli'],
  ['main'],
];

/** Imports of a folder's inner file instead of its index.ts, each with its reason. */
const INNER_IMPORTS = new Map([
  // The entry decides how modules are found before any module of ours that needs LangGraph is loaded, so it takes
  // single files that need none, and the rest with `import()` afterwards.
  ['src/main.ts -> src/cli/args.ts', 'reads the command line, without any import of its own'],
  ['src/main.ts -> src/common/errors/api-error.ts', 'prints it, without any import of its own'],
  ['src/main.ts -> src/common/startup-error.ts', 'prints it, without any import of its own'],
  ['src/main.ts -> src/cli/compile-cache.ts', 'before the modules that it keeps compiled'],
  ['src/main.ts -> src/module-hooks/share-langchain.ts', 'must run first'],
  ['src/main.ts -> src/module-hooks/check-peers.ts', 'before any of the packages is imported'],
  ['src/main.ts -> src/observability/versions.ts', 'loaded for --version only'],
  ['src/main.ts -> src/cli/run-command.ts', 'everything else, after the hooks are in place'],
  ['src/module-hooks/check-peers.ts -> src/common/startup-error.ts', 'throws it, without any import of its own'],
  ['src/module-hooks/check-peers.ts -> src/project-code/package-manager.ts', 'without any import of its own'],
  ['src/module-hooks/upgrade-command.ts -> src/project-code/package-manager.ts', 'without any import of its own'],
  // A wrong configuration is reported before the framework is loaded, so reading it takes single files, too.
  ['src/cli/run-command.ts -> src/config/load-config.ts', 'before the command itself is loaded'],
  ['src/config/config.errors.ts -> src/common/startup-error.ts', 'without the framework'],
  ['src/config/env.ts -> src/common/max-time.ts', 'without the framework'],
  ['src/config/hosts.ts -> src/http/host-names.ts', 'without the framework'],
  ['src/config/langgraph-json.schema.ts -> src/common/ids.ts', 'without the framework'],
  ['src/config/langgraph-json.schema.ts -> src/common/max-time.ts', 'without the framework'],
  ['src/config/schema.ts -> src/common/without-secrets.ts', 'without the framework'],
]);

/** The rooms of runs: the entity and the errors, then its folders, then the files that put them together. */
const ROOMS = [
  ['run.entity', 'runs.errors'],
  ['dto'],
  ['queue'],
  ['access'],
  ['results'],
  ['webhooks'],
  ['cancel'],
  ['worker'],
  ['creation'],
  [
    'runs.service',
    'run-output.service',
    'thread-runs.controller',
    'stateless-runs.controller',
    'runs.module',
    'runs-http.module',
    'index',
  ],
];

interface Import {
  /** Both as paths from the root of the repository. */
  from: string;
  to: string;
}

/** What is wrong with an import between files of ours; undefined when nothing is. */
function fault({ from, to }: Import): string | undefined {
  const [here, there] = [placeOf(from), placeOf(to)];
  const edge = `${from} -> ${to}`;
  if (here === there) {
    return undefined;
  }
  if (here === 'module-hooks') {
    return INNER_IMPORTS.has(edge) ? undefined : `${edge}: module-hooks imports single files without imports`;
  }
  if (!INNER_IMPORTS.has(edge) && isFolder(to) && path.posix.basename(to) !== 'index.ts') {
    return `${edge}: import the index.ts of ${there}`;
  }
  if (there === 'module-hooks') {
    return here === 'main' ? undefined : `${edge}: only main.ts may import module-hooks`;
  }
  const [left, right] = [rankOf(there), rankOf(here)];
  if (left === -1 || right === -1) {
    return `${edge}: ${left === -1 ? there : here} has no place on the line of folders`;
  }
  return left > right ? `${edge}: imports point left` : undefined;
}

/** What is wrong with an import between two rooms of runs; undefined when nothing is. */
function faultOfRooms({ from, to }: Import): string | undefined {
  const [here, there] = [from, to].map(roomOf);
  return rankOfRoom(there) > rankOfRoom(here) ? `${from} -> ${to}: ${there} is to the right of ${here}` : undefined;
}

const isOfRuns = (file: string): boolean => file.startsWith('src/runs/');

/** The folder of a file of runs, or its own name at the top of runs. */
const roomOf = (file: string): string => file.split('/')[2].replace(/(\.spec)?\.ts$/, '');

const rankOfRoom = (room: string): number => ROOMS.findIndex((rooms) => rooms.includes(room));

/** The top folder of a file, or its own name at the top of src. */
function placeOf(file: string): string {
  const [top, second] = file.split('/');
  return top === 'src' ? second.replace(/\.ts$/, '') : top;
}

const isFolder = (file: string): boolean => file.split('/').length > 2 || file.startsWith('migrations/');

const rankOf = (place: string): number => LINE.findIndex((places) => places.includes(place));

const filesOf = (folder: string): string[] =>
  readdirSync(path.join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();

const sourceOf = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** Every relative import of a file: static, dynamic, of types, and re-exports. */
const importsOf = (from: string): Import[] =>
  ts
    .preProcessFile(sourceOf(from), true, true)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => ({
      from,
      to: path.posix.join(path.posix.dirname(from), name.replace(/\.js$/, '.ts')),
    }));

const sources = filesOf('src');

describe('imports', () => {
  it('point left, and go through the index.ts of another folder', () => {
    const imports = sources.filter((file) => !file.endsWith('.spec.ts')).flatMap(importsOf);

    expect(imports.length).toBeGreaterThan(100);
    expect(imports.map(fault).filter(Boolean)).toEqual([]);
  });

  it('of specs point left too; they may look into their own folder only', () => {
    const imports = sources
      .filter((file) => file.endsWith('.spec.ts'))
      .flatMap(importsOf)
      .filter(({ to }) => !to.startsWith('test/'));

    expect(imports.map(fault).filter(Boolean)).toEqual([]);
  });

  it('of migrations stay outside of src: a migration means the same for ever', () => {
    const imports = filesOf('migrations').flatMap(importsOf);

    expect(imports.filter(({ to }) => !to.startsWith('migrations/'))).toEqual([]);
  });

  it('all have a file', () => {
    const existing = new Set([...sources, ...filesOf('migrations'), ...filesOf('test')]);

    expect(sources.flatMap(importsOf).filter(({ to }) => !existing.has(to))).toEqual([]);
  });

  it('are explained in the order that holds', () => {
    const decision = readFileSync(path.join(ROOT, 'docs/decisions/0001-folder-line.md'), 'utf8');
    const [, line] = /`(common < [^`]+)`/.exec(decision)!;

    expect(line.split(/\s*<\s*/)).toEqual(
      LINE.slice(
        1,
        LINE.findIndex(([place]) => place === 'app.module'),
      ).flat(),
    );
  });

  it('that are listed as exceptions exist', () => {
    const edges = new Set(sources.flatMap(importsOf).map(({ from, to }) => `${from} -> ${to}`));

    expect([...INNER_IMPORTS.keys()].filter((edge) => !edges.has(edge))).toEqual([]);
  });

  it('do not come from a folder without a place', () => {
    const places = new Set(sources.map(placeOf));
    places.delete('module-hooks');

    expect([...places].filter((place) => rankOf(place) === -1)).toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    ['src/common/ids.ts', 'src/runs/index.ts', /imports point left/],
    ['src/threads/threads.service.ts', 'src/assistants/index.ts', /imports point left/],
    ['src/runs/runs.service.ts', 'src/server.ts', /imports point left/],
    ['src/server.ts', 'src/cli/args.ts', /index\.ts of cli/],
    ['src/runs/runs.service.ts', 'src/threads/thread.entity.ts', /import the index\.ts of threads/],
    ['src/module-hooks/share-langchain.ts', 'src/common/index.ts', /module-hooks imports single files/],
    ['src/cli/serve.ts', 'src/module-hooks/index.ts', /only main\.ts/],
    ['src/parrots/parrot.ts', 'src/common/index.ts', /parrots has no place/],
  ])('would be refused: %s -> %s', (from, to, reason) => {
    expect(fault({ from, to })).toMatch(reason);
  });

  it.each([
    ['src/runs/runs.service.ts', 'src/runs/queue/run-stops.ts'],
    ['src/runs/runs.service.ts', 'src/threads/index.ts'],
    ['src/database/database.module.ts', 'src/observability/index.ts'],
    ['src/database/data-source.ts', 'migrations/index.ts'],
    ['src/cli/serve.ts', 'src/server.ts'],
  ])('would be accepted: %s -> %s', (from, to) => {
    expect(fault({ from, to })).toBeUndefined();
  });
});

it('the embedded PostgreSQL is a unit of its own (docs/decisions/0032-embedded-postgres-folder.md)', () => {
  const home = 'src/database/embedded/';
  const isInside = (file: string): boolean => file.startsWith(home);
  const crossing = sources.flatMap(importsOf).filter(({ from, to }) => isInside(from) !== isInside(to));

  expect(crossing).toEqual([{ from: 'src/database/database.ts', to: `${home}index.ts` }]);
});

describe('the rooms of runs', () => {
  const files = sources.filter(isOfRuns);

  it('are all on the line', () => {
    expect(ROOMS.flat().filter((room) => !files.some((file) => roomOf(file) === room))).toEqual([]);
    expect(files.filter((file) => rankOfRoom(roomOf(file)) === -1)).toEqual([]);
  });

  it('import to the left only', () => {
    const imports = files.flatMap(importsOf).filter(({ to }) => isOfRuns(to));

    expect(imports.length).toBeGreaterThan(100);
    expect(imports.map(faultOfRooms).filter(Boolean)).toEqual([]);
  });

  it('are drawn in the order that holds', () => {
    const page = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');
    const [, line] = /^ *entity(?:\[[^\]]*\])? --> (.+) --> facade/m.exec(page)!;

    expect(line.split(' --> ')).toEqual(ROOMS.slice(1, -1).flat());
  });

  it.each<[string, string, RegExp | undefined]>([
    ['src/runs/queue/run-claims.ts', 'src/runs/worker/active-run.ts', /worker is to the right of queue/],
    ['src/runs/cancel/run-stop.service.ts', 'src/runs/runs.service.ts', /runs\.service is to the right of cancel/],
    ['src/runs/creation/run-draft.ts', 'src/runs/queue/run-inserts.ts', undefined],
    ['src/runs/creation/run-draft.ts', 'src/runs/run.entity.ts', undefined],
  ])('judge an import: %s -> %s', (from, to, reason) => {
    expect(faultOfRooms({ from, to }) ?? '').toMatch(reason ?? /^$/);
  });
});

describe('tables', () => {
  /** `table folder` for every statement of src that writes. */
  const writes = (): string[] => {
    const writing = /\b(?:INSERT INTO|DELETE FROM|(?<!FOR |ON |DO |NO KEY )UPDATE)\s+(?:ONLY\s+)?([a-z_]{4,})\b/g;
    const found = sources
      .filter((file) => !file.endsWith('.spec.ts'))
      .flatMap((file) => Array.from(sourceOf(file).matchAll(writing), ([, table]) => `${table} ${placeOf(file)}`));
    return [...new Set(found)].sort();
  };

  it('are written by the folders that decision 1 names', () => {
    const decision = readFileSync(path.join(ROOT, 'docs/decisions/0001-folder-line.md'), 'utf8');
    const rows = Array.from(decision.matchAll(/^\| (`[^|]+) \| ([^|]+) \|$/gm), ([, tables, folders]) => [
      tables,
      folders,
    ]);
    const quoted = (cell: string): string[] => Array.from(cell.matchAll(/`([\w-]+)`/g), ([, name]) => name);
    const named = rows.flatMap(([tables, folders]) =>
      quoted(tables).flatMap((table) => quoted(folders).map((folder) => `${table} ${folder}`)),
    );

    expect(writes()).toEqual(named.sort());
  });
});

it('no module needs forwardRef', () => {
  expect(sources.filter((file) => /\bforwardRef\b/.test(sourceOf(file)))).toEqual([]);
});

it('only src/config reads the environment', () => {
  const readers = sources.filter((file) => !file.endsWith('.spec.ts') && /\bprocess\.env\b/.test(sourceOf(file)));

  expect(readers.filter((file) => !file.startsWith('src/config/'))).toEqual([]);
});

describe('migrations', () => {
  const classes = Object.values(migrations).flat() as (new () => MigrationInterface)[];
  const files = filesOf('migrations').filter((file) => !file.endsWith('/index.ts'));

  it('are all listed, in the order of their files', () => {
    const stamps = files.map((file) => Number(/(\d+)-[a-z-]+\.ts$/.exec(file)![1]));
    const listed = classes.map((migration) => Number(/\d+$/.exec(new migration().name ?? migration.name)![0]));

    expect(listed).toEqual(stamps);
    expect(new Set(stamps).size).toBe(files.length);
  });

  it.each(classes.map((migration) => [migration.name, migration] as const))('go forward only: %s', async (_, type) => {
    await expect(async () => void (await new type().down(undefined as never))).rejects.toThrow(/forward only/);
  });

  it('say what each table and index is for', () => {
    for (const file of files) {
      const source = sourceOf(file);
      const made = [...source.matchAll(/CREATE (?:UNIQUE )?(?:TABLE|INDEX) (?:IF NOT EXISTS )?(\w+)/g)].map(
        ([, n]) => n,
      );
      // LangGraph's own tables are explained where they come from.
      const ours = made.filter((name) => !name.startsWith('checkpoint'));
      const explained = new Set([...source.matchAll(/COMMENT ON (?:TABLE|INDEX) (\w+)/g)].map(([, name]) => name));

      expect(ours.filter((name) => !explained.has(name))).toEqual([]);
    }
  });
});
