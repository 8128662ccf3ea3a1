/**
 * Writes to a catalog, one transaction after the other: each adds two files to a new folder, deletes one that the
 * transaction before had added, and renames the other. Prints `started`, and at the end the ids of the files that are
 * still there, as JSON.
 *
 *     node writer-process.js CATALOG SOURCE TRANSACTIONS
 */
import { attributes, FOLDER_MODE, openCatalog } from '../support/catalogs.js';

const [file = '', name = '', transactions = ''] = process.argv.slice(2);
const catalog = openCatalog(file);
const source = catalog.sources.get(name);
const kept: number[] = [];
let last: { kept: number; deleted: number } | undefined;

// Another process may have been killed here: its files stay as they are.
const first = [...catalog.files.foldersOf(source.id)].length;
for (let at = first; at < first + Number(transactions); at++) {
  last = catalog.write(writer => {
    const path = `folder ${at}`;
    const folder = { id: writer.putFolder(source, path, at, FOLDER_MODE).id, path };
    const added = {
      kept: writer.addFile(source, folder, 'kept', attributes()),
      deleted: writer.addFile(source, folder, 'deleted', attributes()),
    };
    if (last) {
      writer.deleteFile(last.deleted);
      writer.renameFile(source, folder, 'renamed', last.kept, `folder ${at - 1}/kept`, attributes());
    }
    return added;
  });
  kept.push(last.kept);
  if (at === first) console.log('started');
}
console.log(JSON.stringify(kept));
catalog.close();
