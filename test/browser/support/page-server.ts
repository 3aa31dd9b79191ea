import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/** Where the bundled pages come from: another origin than the server's, as browsers see it. */
export interface PageServer {
  port: number;
  close(): Promise<void>;
}

const page = (script: string): string => `<!doctype html>
<meta charset="utf-8" />
<title>${script}</title>
<link rel="icon" href="data:," />
<div id="root"></div>
<script type="module" src="/${script}.js"></script>
`;

export async function startPageServer(): Promise<PageServer> {
  const folder = path.join(process.env.TEST_BROWSER_FOLDER!, 'pages');
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://pages');
    if (!/^\/[\w.-]+\/[\w-]+(\.js)?$/.test(pathname)) {
      response.writeHead(404).end();
    } else if (pathname.endsWith('.js')) {
      response.writeHead(200, { 'content-type': 'text/javascript' });
      createReadStream(path.join(folder, pathname)).pipe(response);
    } else {
      response.writeHead(200, { 'content-type': 'text/html' }).end(page(pathname.slice(1)));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
