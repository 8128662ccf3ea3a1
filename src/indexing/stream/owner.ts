/**
 * Whose a node's name is: a text of the catalog's identity and of its place, a file on a machine. A copy of a catalog has the
 * identity, and a catalog that was made anew has the place.
 */
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Catalog } from '../../catalog/catalog.js';

/** Machines may have one name, and copies of a machine one id. The id is to leave the machine only as a hash, says machine-id(5). */
export function ownerOf(catalog: Catalog): string {
  const place = [hostname(), machineId(), realpathSync(catalog.file)].join('\n');
  const hash = createHash('sha256').update(`facet\n${place}`).digest('hex');
  return `${catalog.identity()} ${hash.slice(0, 32)}`;
}

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8');
  } catch {
    return '';
  }
}

export function catalogOf(owner: string): string {
  return owner.slice(0, owner.indexOf(' '));
}

export function placeOf(owner: string): string {
  return owner.slice(owner.indexOf(' ') + 1);
}
