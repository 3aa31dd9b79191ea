// Starts the official development server in memory: `node official.mjs FOLDER`. FOLDER is where it would keep its data.
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { startServer } from '@langchain/langgraph-api/server';

const [folder] = process.argv.slice(2);
const { graphs } = JSON.parse(readFileSync(path.join(import.meta.dirname, 'langgraph.json'), 'utf8'));
const fromHere = (spec) => (typeof spec === 'string' ? path.join(import.meta.dirname, spec) : fromHere(spec.path));

mkdirSync(folder, { recursive: true });
const { host } = await startServer({
  host: '127.0.0.1',
  port: 0,
  cwd: folder,
  nWorkers: 40,
  graphs: Object.fromEntries(Object.entries(graphs).map(([id, spec]) => [id, fromHere(spec)])),
});
process.env.LANGGRAPH_API_URL = `http://${host}`;
console.log(`Listens at http://${host}`);
