/** Web servers as they are installed, each with a configuration of its own, on a port of its own, for one test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { freePorts } from './ports.js';
import { isRoot } from './processes.js';
import { temporaryFolder, writeFile } from './temporary-folder.js';

/** Serves a folder. A folder in it with a file `.denied` may not be listed. */
export function startNginx(context: TestContext, folder: string, format: 'html' | 'json'): Promise<string> {
  return start(context, 'nginx', (port, own) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const config = `daemon off; master_process off; pid ${own}/pid; error_log ${own}/log;
      events {}
      http {
        access_log off;
        ${temporary.map(name => `${name}_temp_path ${own}/${name};`).join(' ')}
        server {
          listen 127.0.0.1:${port};
          root ${folder};
          autoindex on;
          autoindex_format ${format};
          if (-f $request_filename/.denied) { return 403; }
        }
      }`;
    return ['-e', `${own}/log`, '-c', writeFile(own, 'nginx.conf', config)];
  });
}

/** Serves a folder, with its `.htaccess`. `look` is for the indexes: IndexOptions. */
export function startApache(context: TestContext, folder: string, look: string): Promise<string> {
  // It does not serve as root.
  chmodSync(folder, 0o755);
  return start(context, 'apache2', (port, own) => {
    const modules = ['mpm_event', 'authz_core', 'autoindex', 'dir'];
    const loaded = modules.map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
    const config = `${loaded.join('\n')}
      ServerName localhost
      Listen 127.0.0.1:${port}
      PidFile ${own}/pid
      ErrorLog ${own}/log
      ${isRoot ? 'User www-data\nGroup www-data' : ''}
      DocumentRoot ${folder}
      <Directory ${folder}>
        Options Indexes FollowSymLinks
        AllowOverride All
        IndexOptions ${look}
        IndexIgnore .ht*
      </Directory>`;
    return ['-X', '-d', own, '-f', writeFile(own, 'apache2.conf', config)];
  });
}

/** Resolves to the address of a program once it answers. It is killed when the test is over. */
async function start(
  context: TestContext,
  program: string,
  configure: (port: number, own: string) => string[],
): Promise<string> {
  const [port = 0] = await freePorts(1);
  const args = configure(port, temporaryFolder(context));
  const child = spawn(program, args, { stdio: 'ignore' });
  await once(child, 'spawn');
  context.after(() => child.kill('SIGKILL'));
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    await wait(10);
  }
  return `http://127.0.0.1:${port}`;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
