/** What queries find in a volume. Apart from it, because most commands ask none and need not load what answers them. */
import type { FileRecord } from '../catalog/files.js';
import { Search } from '../catalog/search.js';
import type { Query } from '../query/ast.js';
import { appliedLabelRules } from '../rules/label-rules.js';
import type { Volume } from './volume.js';

/** The files that a query asks for, whether the tree shows them or not, in the order of their ids. */
export function matching({ db }: Volume, query: Query): Generator<FileRecord> {
  return new Search(db).find(query, { labelRules: appliedLabelRules(db) });
}
