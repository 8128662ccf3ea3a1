/** The programs that facet is compared with, as far as they are installed. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isRoot, run } from './processes.js';

export type Peer = 'bindfs' | 'rclone' | 's3fs';

const PEERS: readonly Peer[] = ['bindfs', 'rclone', 's3fs'];

export function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => isExecutable(join(folder, program)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** One line about those that are missing; undefined when none is. */
export function missingPeers(wanted: readonly Peer[]): string | undefined {
  const missing = wanted.filter(peer => !isInstalled(peer));
  if (missing.length === 0) return undefined;
  return `Not installed, and so not compared with: ${missing.join(', ')}. To install: npm run bench -- --install-peers (Debian, as root).`;
}

/** Installs those that are missing from the distribution's own packages. */
export async function installPeers(): Promise<void> {
  const missing = PEERS.filter(peer => !isInstalled(peer));
  if (missing.length === 0) return;
  const names = missing.join(', ');
  const install = ['install', '--yes', '--no-install-recommends', ...missing];
  if (!isRoot) throw new Error(`installing ${names} needs root: sudo apt-get ${install.join(' ')}`);
  if (!isInstalled('apt-get')) throw new Error(`there is no apt-get here; please install ${names}`);
  console.error(`installing ${names} …`);
  const quietly = ['DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  await run('env', [...quietly, 'update']);
  await run('env', [...quietly, ...install]);
}
