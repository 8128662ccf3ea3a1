/** Writes rules.yaml: a new one, never over another without being told to. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createDirectory } from '../../src/config/home.js';
import { errorMessage, FacetError, systemErrorCode } from '../../src/errors.js';

export function writeRules(file: string, text: string, force: boolean): void {
  createDirectory(dirname(file));
  try {
    if (force) replace(file, text);
    else writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') {
      const hint = 'replace it with --force, or edit it: facet rules edit';
      throw new FacetError('exists', `${file} is there already`, { path: file, hint });
    }
    throw new FacetError('failed', `cannot write ${file}: ${errorMessage(error)}`, {
      path: file,
      cause: error,
    });
  }
}

/** A mount that reads it meanwhile finds the old one or the new one. */
function replace(file: string, text: string): void {
  const unfinished = `${file}.${process.pid}`;
  try {
    writeFileSync(unfinished, text);
    renameSync(unfinished, file);
  } finally {
    rmSync(unfinished, { force: true });
  }
}
