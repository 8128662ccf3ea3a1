/**
 * Reads a catalog again and again, in one read transaction each, until its input ends. Prints what it saw, as JSON.
 *
 *     node reader-process.js CATALOG
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import { openDatabase } from '../../src/catalog/database.js';

export interface Observations {
  snapshots: number;
  contradictions: string[];
}

const [file = ''] = process.argv.slice(2);
const db = openDatabase(file, 'read');
const seen: Observations = { snapshots: 0, contradictions: [] };
let ended = false;
process.stdin.resume().once('end', () => {
  ended = true;
});
while (!ended || seen.snapshots === 0) {
  db.transaction(() => look(db))();
  seen.snapshots++;
  await turn();
}
console.log(JSON.stringify(seen));
db.close();

/** Files and tree agree, and the log tells how there came to be as many files as there are. */
function look(snapshot: Database): void {
  const files = numbers(snapshot, 'SELECT id FROM files WHERE deleted_at IS NULL ORDER BY id');
  const entries = numbers(snapshot, 'SELECT ino FROM entries WHERE type <> 4 ORDER BY ino');
  if (files.join() !== entries.join())
    seen.contradictions.push(`${files.length} files, ${entries.length} entries`);
  const [added = 0] = numbers(snapshot, `SELECT count(*) FROM changes WHERE kind = 'added'`);
  const [deleted = 0] = numbers(snapshot, `SELECT count(*) FROM changes WHERE kind = 'deleted'`);
  if (added - deleted !== files.length)
    seen.contradictions.push(`${added} - ${deleted} is not ${files.length}`);
}

function numbers(snapshot: Database, query: string): number[] {
  return snapshot.prepare<[], number>(query).pluck().all();
}
