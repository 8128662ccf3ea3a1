/**
 * The documents of MosaicFS that say what its directories hold, as CouchDB gives them: one, a list, or the `docs` or
 * `rows` of an export. Other documents in there are passed over.
 */
import * as z from 'zod';
import { checkDocument } from '../config/document.js';
import { FacetError } from '../errors.js';
import { step } from './import-mosaicfs-steps.js';

const text = z.string({ error: 'a text' });

const source = z.looseObject(
  { node_id: text.optional(), export_path: text.optional(), label: text.optional() },
  { error: 'a source, with node_id and export_path' },
);

const mount = z.looseObject({
  mount_id: text.optional(),
  source,
  strategy: z.enum(['prefix_replace', 'flatten'], { error: 'prefix_replace or flatten' }),
  source_prefix: text.optional(),
  steps: z.array(step, { error: 'a list of steps' }).default([]),
  default_result: z.enum(['include', 'exclude'], { error: 'include or exclude' }).default('include'),
  conflict_policy: z
    .enum(['last_write_wins', 'suffix_node_id'], { error: 'last_write_wins or suffix_node_id' })
    .default('last_write_wins'),
});
export type Mount = z.output<typeof mount>;

const document = z
  .looseObject({
    type: text.optional(),
    virtual_path: z
      .string({ error: 'a path' })
      .regex(/^\//, { error: 'a path that begins with a slash' })
      .optional(),
    enforce_steps_on_children: z.boolean({ error: 'true or false' }).default(false),
    mounts: z.array(mount, { error: 'a list of mounts' }).default([]),
  })
  .refine(({ type, virtual_path }) => type !== 'virtual_directory' || virtual_path !== undefined, {
    error: 'a virtual_directory with a virtual_path',
  });

export interface Directory {
  /** `/`, or a path without a slash at its end. */
  path: string;
  enforces: boolean;
  mounts: readonly Mount[];
}

/** By their paths. Throws `usage`, with line and column. */
export function readDirectories(written: string, file: string): Directory[] {
  const found = readDocuments(written, file).flatMap(
    ({ type, virtual_path: path, enforce_steps_on_children: enforces, mounts }) =>
      path === undefined || (type !== undefined && type !== 'virtual_directory')
        ? []
        : [{ path: path.replace(/\/+$/, '') || '/', enforces, mounts }],
  );
  if (found.length > 0) return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  throw new FacetError('usage', `${file}: there is no virtual_directory in it`, {
    hint: 'export the documents of that type from the database of MosaicFS',
    path: file,
  });
}

function readDocuments(written: string, file: string): z.output<typeof document>[] {
  const found = checkDocument(file, written, z.unknown()).data;
  if (Array.isArray(found)) return checkDocument(file, written, z.array(document)).data;
  if (hasKey(found, 'docs')) {
    return checkDocument(file, written, z.looseObject({ docs: z.array(document) })).data.docs;
  }
  if (!hasKey(found, 'rows')) return [checkDocument(file, written, document).data];
  const rows = z.looseObject({ rows: z.array(z.looseObject({ doc: document })) });
  return checkDocument(file, written, rows).data.rows.map(({ doc }) => doc);
}

function hasKey(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}
