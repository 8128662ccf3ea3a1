/** Reads what is to be said of files from lines of JSON: `{"path" or "id", "properties", "labels"}`. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { errorMessage, FacetError, systemErrorCode } from '../../src/errors.js';
import type { Volume } from '../../src/volume/volume.js';
import { label } from '../kinds.js';
import type { Said } from './describe.js';
import { fileOf } from './files.js';
import { propertyName } from './property-name.js';

const value = z.union([z.string(), z.number()]);

const schema = z.strictObject({
  path: z.string().optional(),
  id: z.int().optional(),
  properties: z
    .record(
      z.string(),
      z.union([value, z.boolean(), z.array(value).max(1_000), z.null()], {
        error: 'expected a text, a number, true, false, null, or a list of texts and numbers',
      }),
    )
    .default({}),
  labels: z.array(z.string()).default([]),
});

/** `name` is a file, or `-`. Lines that cannot be used are told and passed over. */
export async function* readDescriptions(
  volume: Volume,
  name: string,
  onFailure: (line: number, error: FacetError) => void,
): AsyncGenerator<Said> {
  const input = name === '-' ? process.stdin : createReadStream(name);
  let nth = 0;
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      nth++;
      if (line.trim() === '') continue;
      const said = readLine(volume, line);
      if (said instanceof FacetError) onFailure(nth, said);
      else yield said;
    }
  } catch (error) {
    if (error instanceof FacetError) throw error;
    const missing = systemErrorCode(error) === 'ENOENT';
    const why = missing ? 'there is no such file' : errorMessage(error);
    throw new FacetError(missing ? 'not-found' : 'failed', `cannot read ${name}: ${why}`, {
      cause: error,
      path: name,
    });
  }
}

function readLine(volume: Volume, line: string): Said | FacetError {
  try {
    return parseLine(volume, line);
  } catch (error) {
    if (error instanceof FacetError) return error;
    throw error;
  }
}

function parseLine(volume: Volume, line: string): Said {
  const { path, id, properties, labels } = checked(line);
  if ((path === undefined) === (id === undefined))
    throw new FacetError('usage', 'expected either path or id');
  const changes = Object.entries(properties).map(([name, each]) => {
    if (each === null) return [name, null] as const;
    return [propertyName(name), typeof each === 'boolean' ? String(each) : each] as const;
  });
  return {
    file: fileOf(volume, path ?? String(id)),
    description: { properties: Object.fromEntries(changes), add: labels.map(label.parse) },
  };
}

function checked(line: string): z.output<typeof schema> {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch (error) {
    throw new FacetError('usage', `not JSON: ${errorMessage(error)}`);
  }
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new FacetError('usage', `${issue?.path.join('.') || 'the line'}: ${issue?.message}`);
}
