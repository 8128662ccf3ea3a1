/** The names of the presets, without their texts: what an option takes. */

export const PRESET_NAMES = ['media', 'plex', 'jellyfin', 'photos', 'by-type', 'by-label'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];
