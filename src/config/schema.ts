/**
 * The schema of config.yaml, version 1. The descriptions become facet-config(5); the error texts are noun phrases
 * (see document.ts). Imports `zod`: load it lazily.
 *
 *     version: 1
 *     scan:
 *       exclude: ['.DS_Store', 'node_modules/**']
 *     mount:
 *       umask: '022'
 *     mounts:
 *       - {source: films, at: /mnt/nas/films}
 *     cache:
 *       maxSize: 50GB
 *
 * Changing it needs no change to the cached copy (config.ts), which is bound to this file as it was built.
 */
import * as z from 'zod';
import { FacetError } from '../errors.js';
import { defaults } from './defaults.js';
import { durationSays, parseDuration, parseSize, sizeSays } from './units.js';

/** Bytes. */
const size = quantity(parseSize, sizeSays);
/** Milliseconds. */
const duration = quantity(parseDuration, durationSays);

// 4294967295 is (uid_t) -1, which means "leave it" to chown(2).
const id = (what: string) =>
  z.int({ error: what }).min(0, { error: what }).max(4_294_967_294, { error: what });

// In YAML 1.2 a bare 022 is the number twenty-two, which nobody means.
const umaskSays = "an octal number in quotes such as '022'";
const umask = z
  .string({ error: umaskSays })
  .regex(/^0?[0-7]{3}$/, { error: umaskSays })
  .transform(text => Number.parseInt(text, 8));

const text = (what: string) => z.string({ error: what }).min(1, { error: what });

const mapped = z.strictObject({
  source: text('the name of a source').describe('The name of a remote source.'),
  prefix: z
    .string({ error: 'a folder of the source such as 2024/' })
    .default('')
    // With its slash, so that `a` is not the beginning of `ab/c`.
    .transform(prefix =>
      prefix
        .split('/')
        .filter(Boolean)
        .map(name => `${name}/`)
        .join(''),
    )
    .describe('A folder of it; all of it by default.'),
  at: text('a folder of this machine').describe('The folder of this machine that has the same files.'),
});

const glob = z.string({ error: 'a glob' }).min(1, { error: 'a glob' });

const nodeSays = 'a name of letters, digits, dots, dashes and underscores';

export const configSchema = z.strictObject({
  version: z.literal(1).optional().describe('The version of this format.'),
  mounts: z
    .array(mapped)
    .default([])
    .describe(
      'Folders of this machine that have files of remote sources as well, such as network mounts; see MOUNTS below.',
    ),
  scan: z
    .strictObject({
      exclude: z
        .array(glob)
        .default(defaults.scan.exclude)
        .describe('Globs of files and folders that are left out of every source, besides its own.'),
    })
    .prefault({})
    .describe('How sources are read.'),
  mount: z
    .strictObject({
      uid: id('the number of a user').optional().describe('The user that owns every file; yours by default.'),
      gid: id('the number of a group').optional().describe('The group of every file; yours by default.'),
      umask: umask
        .optional()
        .describe("Permissions to take away from every file, octal and in quotes, such as '022'."),
      allowOther: z
        .boolean()
        .default(defaults.mount.allowOther)
        .describe('Let other users of this machine see the mount.'),
    })
    .prefault({})
    .describe('How the tree is mounted.'),
  cache: z
    .strictObject({
      maxSize: size
        .prefault(defaults.cache.maxSize)
        .describe('The most that cached contents may take on the disk.'),
      minFree: size
        .prefault(defaults.cache.minFree)
        .describe('The room that the cache leaves free on its disk.'),
      maxAge: duration
        .prefault(defaults.cache.maxAge)
        .describe('Contents that nobody has read for this long go first.'),
      memory: size.prefault(defaults.cache.memory).describe('The most memory for contents in one process.'),
    })
    .prefault({})
    .describe('How contents are kept on this machine.'),
  redis: z
    .strictObject({
      uri: text('the address of a Redis such as redis://nas')
        .optional()
        .describe('The address of a Redis, without a password.'),
      publish: z
        .boolean()
        .default(defaults.redis.publish)
        .describe('Publish there what the sources hold, while facet mount or facet index watch runs.'),
      keyPrefix: z
        .string({ error: 'a text' })
        .optional()
        .describe('What the keys begin with; nothing by default.'),
      node: z
        .string({ error: nodeSays })
        .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}$/u, { error: nodeSays })
        .optional()
        .describe('The name of this node, unlike all others; the name of the machine by default.'),
    })
    .refine(({ publish, uri }) => !publish || uri !== undefined, {
      error: 'a uri as well, where publish is true',
    })
    .prefault({})
    .describe('A Redis that several machines share: see NODES in facet-index(1).'),
});

function quantity(parse: (value: string | number) => number, says: string) {
  return z.union([z.string(), z.number()], { error: says }).transform((value, context) => {
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof FacetError)) throw error;
      context.addIssue({ code: 'custom', message: says, params: { hint: error.hint ?? reasonOf(error) } });
      return z.NEVER;
    }
  });
}

/** The part of the reason that "expected …, found …" does not say already. */
function reasonOf(error: FacetError): string | undefined {
  return error.message.startsWith('expected') ? undefined : error.message;
}
