/** A file to ask about: only what matters to a test is said. */
import type { Facts } from '../../src/query/facts.js';

export function factsOf(told: Partial<Facts> = {}): Facts {
  const path = told.path ?? 'series/Dark/e1.mkv';
  return {
    id: 1000,
    source: 'media',
    node: 'nas',
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    isLink: false,
    size: 1,
    mtimeMs: 0,
    accessedMs: undefined,
    labels: new Set(),
    properties: {},
    ...told,
  };
}
