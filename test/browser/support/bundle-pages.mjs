import path from 'node:path';
import { build } from 'esbuild';

const FOLDER = path.resolve(import.meta.dirname, '../pages');

const PAGES = ['stream.tsx', 'agent-chat.tsx', 'client.ts'];

/** The SDK's versions, and what they are called here. */
const SDKS = { '1.15.0': 'langgraph-sdk-newest', '2.0.0': 'langgraph-sdk-latest-tag' };

/** Each page with each version of the SDK, as `VERSION/PAGE.js`. */
export async function bundlePages(folder) {
  const bundles = Object.entries(SDKS).map(([version, name]) =>
    build({
      entryPoints: PAGES.map((page) => path.join(FOLDER, page)),
      outdir: path.join(folder, version),
      absWorkingDir: FOLDER,
      bundle: true,
      format: 'esm',
      jsx: 'automatic',
      alias: { '@langchain/langgraph-sdk': name },
      minifyWhitespace: true,
      define: { 'process.env.NODE_ENV': '"production"' },
      logLevel: 'error',
    }),
  );
  await Promise.all(bundles);
}
