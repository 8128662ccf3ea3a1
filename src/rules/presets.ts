/** Rules to begin with, as the text of a rules.yaml that says by itself how to go on. */
import type { PresetName } from './preset-names.js';
import { byLabel } from './presets/by-label.js';
import { byType } from './presets/by-type.js';
import { jellyfin } from './presets/jellyfin.js';
import { media } from './presets/media.js';
import { photos } from './presets/photos.js';
import { plex } from './presets/plex.js';

export const presets: Readonly<Record<PresetName, { text: string; says: string }>> = {
  media: { text: media, says: 'series, movies, music and images, by their properties' },
  plex: { text: plex, says: 'the same, with the names that Plex expects' },
  jellyfin: { text: jellyfin, says: 'the same, with the names that Jellyfin expects' },
  photos: { text: photos, says: 'photos and videos by year and month' },
  'by-type': { text: byType, says: 'documents, images, videos … of all sources' },
  'by-label': { text: byLabel, says: 'a directory for each label' },
};
