/** The contract of remote sources, held by rclone with a folder of this machine for a remote. */
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { openRemote } from '../../src/sources/open-remote.js';
import { isRoot, withoutOverrides } from '../support/processes.js';
import { temporaryFolder, writeFile } from '../support/temporary-folder.js';
import { type Kind, testRemoteSource } from './remote-source.js';

/** In front of rclone where root runs the tests: permissions are to hold for it. */
function heedingPermissions(folder: string): void {
  const found = process.env.PATH?.split(delimiter)
    .map(each => join(each, 'rclone'))
    .find(existsSync);
  if (!isRoot || found === undefined) return;
  const program = writeFile(
    folder,
    'bin/rclone',
    `#!/bin/sh\nexec ${withoutOverrides.join(' ')} ${found} "$@"\n`,
  );
  chmodSync(program, 0o755);
  process.env.PATH = `${join(folder, 'bin')}${delimiter}${process.env.PATH}`;
}

const rclone: Kind = {
  name: 'rclone',
  oddPaths: [
    '007',
    ' a b+c%20&d=e?f#g;h:i@j$k,l!m~n*o(p)q\'r"s<t>u|v\\w^x`y{z}[]',
    'é/ü\u0301/日本/𝄞🎉',
    'control\u0001\u001f\u007f\r\n\t',
    'private\uf001\uf025',
    '.hidden',
    '...',
    '-R',
    '%',
    '%2F',
    '[a]/[b:]/c',
    'x'.repeat(200),
  ],
  async serve(context) {
    const folder = temporaryFolder(context);
    const aside = temporaryFolder(context);
    const path = process.env.PATH;
    context.after(() => Object.assign(process.env, { PATH: path }));
    heedingPermissions(aside);
    const config = join(aside, 'rclone.conf');
    writeFileSync(config, `[test]\ntype = alias\nremote = ${folder}\n`);
    process.env.RCLONE_CONFIG = config;
    writeFile(folder, 'outside');
    writeFile(folder, 'root [1]/placeholder');
    rmSync(join(folder, 'root [1]/placeholder'));
    return {
      open: () => openRemote('rclone:test:root [1]'),
      put: async (path, contents) => void writeFile(join(folder, 'root [1]'), path, contents),
      remove: async path => rmSync(join(folder, 'root [1]', path)),
      deny: path => chmodSync(join(folder, 'root [1]', path), 0),
    };
  },
};

testRemoteSource(rclone);
