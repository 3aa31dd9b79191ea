import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = process.env.NESTGRAPH_RESULTS;

/** Writes the test results per SDK client, from which docs/compatibility.md is generated. */
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
    // Several suites may write into one folder.
    const file = path.join(FOLDER, `jest-${process.pid}.json`);
    writeFileSync(file, `${JSON.stringify(notes.map(toResult(passed)), null, 2)}\n`);
  }
}

const toResult =
  (passed) =>
  ({ file, test, client, methods }) => ({
    client,
    version: /\d[\d.]*/.exec(client)?.[0] ?? client.split(' ').at(-1),
    test: `${path.basename(file)}: ${test}`,
    passed: passed.has(`${file} ${test}`),
    methods: methods.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)).sort(),
  });
