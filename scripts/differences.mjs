// Prints docs/differences.md, generated from the list of differences that the differential tests expect.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../test/differential');
const read = (file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
const { topics } = read('differences.json');
const { dependencies } = read('package.json');

console.log(`# Differences from the official development server

Differences for clients that migrate from \`@langchain/langgraph-api\` ${dependencies['@langchain/langgraph-api']}, the server of \`langgraphjs dev\`, to
Nestgraph. \`npm run test:differential\` checks that everything else it covers is the same: it runs the same scenarios with the
official JavaScript SDK ${dependencies['@langchain/langgraph-sdk']} against both servers. It fails if they differ in anything that is not on this page, or if a
difference on this page no longer exists. \`npm run differences\` generates the page from \`test/differential/differences.json\`.`);
for (const { title, differences } of topics) {
  console.log(`\n## ${title}\n\n| Nestgraph | official server | why |\n| --- | --- | --- |`);
  differences.forEach(({ here, there, why }) => console.log(`| ${here} | ${there} | ${why} |`));
}
