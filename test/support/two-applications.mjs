// Serves two applications from one process: node two-applications.mjs CONFIG_FILE DATABASE_URI DATABASE_URI. The parent
// process gets their URLs and sends `announce` and `close`, which shut down the first one.
import 'reflect-metadata';
import { shareLangchainPackages } from '../../dist/src/module-hooks/share-langchain.js';

const [config_file, ...uris] = process.argv.slice(2);
shareLangchainPackages(config_file);
const { loadConfig } = await import('../../dist/src/config/index.js');
const { openDatabase } = await import('../../dist/src/database/index.js');
const { OpenResponses } = await import('../../dist/src/http/index.js');
const { createServer } = await import('../../dist/src/server.js');

async function listen(uri) {
  const config = loadConfig({ command: 'start', config: config_file }, { ...process.env, DATABASE_URI: uri });
  const database = await openDatabase(
    config,
    () => undefined,
    ({ message }) => process.stderr.write(`${message}\n`),
  );
  const app = await createServer(config, database);
  await app.listen(0, '127.0.0.1');
  return app;
}

const apps = [];
for (const uri of uris) {
  apps.push(await listen(uri));
}
const urls = apps.map((app) => `http://127.0.0.1:${app.getHttpServer().address().port}`);

const [first] = apps;
const REQUESTS = {
  announce: () => first.get(OpenResponses).announceShutdown(),
  close: () => first.close(),
};
process.on('message', async (request) => {
  await REQUESTS[request]();
  process.send(request);
});
process.send(urls);
