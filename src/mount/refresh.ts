/** Brings one remote file up to date when a reader found another version of it at its source than the catalog knows. */
import type { Catalog } from '../catalog/catalog.js';
import { type FileLocation, sourcePath } from '../catalog/files.js';
import type { RemoteContents } from '../volume/remote-contents.js';

/** A file that is gone stays until a scan has listed its source. Throws what asking the source throws. */
export async function refreshFile(
  catalog: Catalog,
  contents: RemoteContents,
  file: FileLocation,
): Promise<void> {
  const { source, place } = await contents.contentOf(file);
  const present = await source.stat(place, new AbortController().signal);
  if (!present) return;
  const { size, mtimeUs, version } = present;
  catalog.write(writer => {
    const known = catalog.files.find(file.sourceId, sourcePath(file));
    // A scan may have brought it meanwhile.
    if (!known || known.version !== file.version) return;
    const now = { ...known, size, mtimeUs, version: version ?? null };
    writer.modifyFile(catalog.sources.get(known.source), known.folderPath, known, now);
  });
}
