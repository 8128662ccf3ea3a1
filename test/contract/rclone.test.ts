/** The contract of remote sources, held by rclone with a folder of this machine for a remote. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRemote } from '../../src/sources/open-remote.js';
import { temporaryFolder, writeFile } from '../support/temporary-folder.js';
import { type Kind, testRemoteSource } from './remote-source.js';

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
    const config = join(temporaryFolder(context), 'rclone.conf');
    writeFileSync(config, `[test]\ntype = alias\nremote = ${folder}\n`);
    process.env.RCLONE_CONFIG = config;
    writeFile(folder, 'outside');
    writeFile(folder, 'root [1]/placeholder');
    rmSync(join(folder, 'root [1]/placeholder'));
    return {
      open: () => openRemote('rclone:test:root [1]'),
      put: async (path, contents) => void writeFile(join(folder, 'root [1]'), path, contents),
      remove: async path => rmSync(join(folder, 'root [1]', path)),
    };
  },
};

testRemoteSource(rclone);
