/** `npm run man`: brings the generated parts of the man pages up to date. */
import { writeFileSync } from 'node:fs';
import { folder, readPages, renew } from './pages.js';

for (const page of readPages()) {
  const text = await renew(page);
  if (text === page.text) continue;
  writeFileSync(`${folder}${page.file}`, text);
  console.log(`man/${page.file}`);
}
