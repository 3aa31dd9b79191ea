import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = process.env.NESTGRAPH_RESULTS;

/** Writes what the tests have shown of each client of the SDK: input of docs/compatibility.md. */
export default class ResultsReporter {
  onRunComplete(_, { testResults }) {
    const calls = path.join(FOLDER, 'calls');
    mkdirSync(calls, { recursive: true });
    const notes = readdirSync(calls).flatMap((file) => JSON.parse(readFileSync(path.join(calls, file), 'utf8')));
    rmSync(calls, { recursive: true });
    const passed = new Set(
      testResults.flatMap((file) =>
        file.testResults
          .filter(({ status }) => status === 'passed')
          .map(({ fullName }) => `${file.testFilePath} ${fullName}`),
      ),
    );
    const results = notes.map(toResult(passed));
    for (const client of new Set(results.map((result) => result.client))) {
      // Several suites may write into one folder.
      const file = `${client.toLowerCase().replaceAll(' ', '-')}-${process.pid}.json`;
      const own = results.filter((result) => result.client === client);
      writeFileSync(path.join(FOLDER, file), `${JSON.stringify(own, null, 2)}\n`);
    }
  }
}

const toResult =
  (passed) =>
  ({ file, test, client, methods }) => ({
    client,
    version: client.split(' ').at(-1),
    test: `${path.basename(file)}: ${test}`,
    passed: passed.has(`${file} ${test}`),
    methods: methods.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)).sort(),
  });
