// Prints docs/differences.md, made from the list that the differential run is compared with.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../test/differential');
const read = (file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
const { topics } = read('differences.json');
const { dependencies } = read('package.json');

console.log(`# Differences from the official development server

What clients see that go from \`@langchain/langgraph-api\` ${dependencies['@langchain/langgraph-api']}, the server behind \`langgraphjs dev\`, to
Nestgraph. As far as \`npm run test:differential\` looks, everything else is the same: it plays the same scenarios with the
official JavaScript SDK ${dependencies['@langchain/langgraph-sdk']} against both servers, and fails when they differ in anything that is not on this page,
or no longer in something that is. \`npm run differences\` makes the page from \`test/differential/differences.json\`.`);
for (const { title, differences } of topics) {
  console.log(`\n## ${title}\n\n| Nestgraph | official server | why |\n| --- | --- | --- |`);
  differences.forEach(({ here, there, why }) => console.log(`| ${here} | ${there} | ${why} |`));
}
