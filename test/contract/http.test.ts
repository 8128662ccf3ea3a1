/** The contract of remote sources, held by web servers: one in this process with several manners, and real ones. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { openRemote } from '../../src/sources/open-remote.js';
import { goodManners, type Manners, serveFolder, startServer } from '../support/file-server.js';
import { temporaryFolder, writeFile } from '../support/temporary-folder.js';
import { startApache, startNginx } from '../support/web-servers.js';
import { type Kind, testRemoteSource } from './remote-source.js';

const oddPaths = [
  '007',
  ' a b+c%20&d=e?f#g;h:i@j$k,l!m~n*o(p)q\'r"s<t>u|v\\w^x`y{z}[]',
  'é/ü\u0301/日本/𝄞🎉',
  'control\u0001\u001f\u007f\r\n\t',
  'private\uf001\uf025\uef80\uefff',
  '.hidden',
  '...',
  '&amp;&#65;',
  '%',
  '%2F',
  'index.txt',
  'http:',
  'x'.repeat(200),
];

type Serve = (
  context: TestContext,
  folder: string,
) => Promise<{ url: string; deny?: (path: string) => void }>;

function webServer(name: string, serve: Serve, paths: readonly string[] = oddPaths): Kind {
  return {
    name,
    oddPaths: paths,
    async serve(context) {
      const folder = temporaryFolder(context);
      writeFile(folder, 'outside', 'outside');
      writeFile(folder, 'root/placeholder');
      rmSync(join(folder, 'root/placeholder'));
      const { url, deny } = await serve(context, folder);
      return {
        ...(deny && { deny: path => deny(`/root/${path}`) }),
        open: () => openRemote(`${url}/root/`),
        put: async (path, contents) => void writeFile(join(folder, 'root'), path, contents),
        remove: async path => rmSync(join(folder, 'root', path)),
      };
    },
  };
}

const manners: Readonly<Record<string, Partial<Manners>>> = {
  'with good manners': {},
  'with weak tags': { tags: 'weak' },
  'with only times': { tags: 'none' },
  'like nginx': { index: 'nginx-json', tags: 'nginx' },
  'like Caddy': { index: 'caddy-json' },
  'without ranges': { ranges: false },
  'without ranges and lengths': { ranges: false, lengths: false },
};

for (const [name, bad] of Object.entries(manners)) {
  const serve: Serve = async (context, folder) => {
    const denied: string[] = [];
    const serve = serveFolder(folder, { ...goodManners, ...bad });
    const { url } = await startServer(context, (request, response) => {
      if (denied.includes((request.url ?? '').replace(/\/$/, ''))) response.writeHead(403).end();
      else serve(request, response);
    });
    return { url, deny: path => void denied.push(path.replace(/\/$/, '')) };
  };
  testRemoteSource(webServer(`a web server ${name}`, serve));
}

testRemoteSource(
  webServer("Python's http.server", async (context, folder) => {
    const args = ['-u', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', folder, '0'];
    const python = spawn('python3', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    context.after(() => python.kill('SIGKILL'));
    for await (const line of createInterface({ input: python.stdout })) {
      const port = /port (\d+)/.exec(line)?.[1];
      if (port !== undefined) return { url: `http://127.0.0.1:${port}` };
    }
    throw new Error('python3 -m http.server did not start');
  }),
);

const withoutHidden = oddPaths.filter(path => !path.startsWith('.'));

for (const format of ['html', 'json'] as const) {
  const serve: Serve = async (context, folder) => ({
    url: await startNginx(context, folder, format),
    deny: path => void writeFile(folder, `${path}/.denied`),
  });
  testRemoteSource(webServer(`nginx with indexes in ${format}`, serve, withoutHidden));
}

// Without ShowForbidden it lists nothing that it would not show.
for (const look of ['ShowForbidden', 'ShowForbidden FancyIndexing HTMLTable']) {
  const serve: Serve = async (context, folder) => ({
    url: await startApache(context, folder, look),
    deny: path => void writeFile(folder, `${path}/.htaccess`, 'Require all denied'),
  });
  testRemoteSource(webServer(`Apache with IndexOptions ${look}`, serve));
}
