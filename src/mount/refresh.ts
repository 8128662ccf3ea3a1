/** Brings one remote file up to date when a reader found other contents at its source than the catalog knows. */
import type { Catalog } from '../catalog/catalog.js';
import { type FileLocation, type FileRecord, sourcePath } from '../catalog/files.js';
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
  modify(catalog, file, { ...present, version: present.version ?? null });
}

/** What was read of it was wrong: a change without a difference, by which every mount has the kernel forget the file's bytes. */
export function renewFile(catalog: Catalog, file: FileLocation): void {
  modify(catalog, file, {});
}

function modify(
  catalog: Catalog,
  file: FileLocation,
  now: Partial<Pick<FileRecord, 'size' | 'mtimeUs' | 'version'>>,
): void {
  catalog.write(writer => {
    const known = catalog.files.find(file.sourceId, sourcePath(file));
    // A scan may have brought another version meanwhile.
    if (!known || known.version !== file.version) return;
    writer.modifyFile(catalog.sources.get(known.source), known.folderPath, known, { ...known, ...now });
  });
}
