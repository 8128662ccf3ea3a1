/** The rules that people begin with: right by facet's own check, and what they make of files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PRESET_NAMES } from '../../src/rules/preset-names.js';
import { presets } from '../../src/rules/presets.js';
import { placing, type Told } from '../support/placing.js';

/** Each file with its one place. */
function check(
  name: keyof typeof presets,
  expected: readonly [file: string, properties: Told, place: string][],
) {
  const places = placing(presets[name].text);
  for (const [path, properties, place] of expected) {
    assert.deepEqual(places({ path, ...properties }), [place], path);
  }
}

const film = (more = {}) => ({ properties: { title: 'Heat', movieYear: 1995, ...more } });
const episode = (more = {}) => ({ properties: { title: 'Dark', season: 1, episode: 2, ...more } });
const song = (more = {}) => ({
  properties: { artist: 'Björk', album: 'Debut', track: 3, title: 'Human Behaviour', ...more },
});

test('every preset is right, and its lines fit a terminal', () => {
  for (const name of PRESET_NAMES) {
    assert.doesNotThrow(() => placing(presets[name].text), name);
    const long = presets[name].text.split('\n').filter(line => line.length > 120);
    assert.deepEqual(long, [], name);
  }
});

test('media', () => {
  check('media', [
    ['a.mkv', film(), 'Movies/Heat (1995)/Heat (1995).mkv'],
    ['a.mkv', film({ version: '1080p', movieYear: '' }), 'Movies/Heat/Heat 1080p.mkv'],
    ['a.srt', film({ subtitleLanguage: 'eng' }), 'Movies/Heat (1995)/Heat (1995).eng.srt'],
    ['a.mkv', episode(), 'TV Shows/Dark/S01/Dark S01E02.mkv'],
    ['a.mkv', episode({ season: 0 }), 'TV Shows/Dark/S00/Dark S00E02.mkv'],
    ['a.mkv', episode({ extra: 'true' }), 'TV Shows/Dark/extra/Dark S01E02.mkv'],
    ['a.mkv', { properties: { extra: 'true', originalTitle: 'Dunkel' } }, 'TV Shows/Dunkel/extra/Dunkel.mkv'],
    ['b/a.mkv', { properties: { season: 1, episode: 1 } }, 'Unsorted/a.mkv'],
    ['b/a.mkv', {}, 'Unsorted/a.mkv'],
    ['a.flac', song(), 'Music/Björk/Debut/03 - Human Behaviour.flac'],
    ['a.flac', { properties: { artist: 'Björk' } }, 'Music/Björk/Singles/a.flac'],
    ['b/poster.jpg', film(), 'Images/poster.jpg'],
    ['b/notes.txt', film(), 'Unsorted/notes.txt'],
  ]);
});

test('plex', () => {
  check('plex', [
    ['a.mkv', film(), 'Movies/Heat (1995)/Heat (1995).mkv'],
    [
      'a.mkv',
      film({ tmdbId: 949, edition: "Director's Cut", version: '2160p' }),
      "Movies/Heat (1995) {tmdb-949} {edition-Director's Cut}/Heat (1995) {tmdb-949} {edition-Director's Cut} - 2160p.mkv",
    ],
    ['a.srt', film({ subtitleLanguage: 'en' }), 'Movies/Heat (1995)/Heat (1995).en.srt'],
    ['a.mkv', episode({ year: 2017 }), 'TV Shows/Dark (2017)/Season 01/Dark (2017) - s01e02.mkv'],
    ['a.mkv', episode({ episodeTitle: 'Lies' }), 'TV Shows/Dark/Season 01/Dark - s01e02 - Lies.mkv'],
    ['a.mkv', episode({ season: 0 }), 'TV Shows/Dark/Season 00/Dark - s00e02.mkv'],
    ['a.flac', song(), 'Music/Björk/Debut/03 - Human Behaviour.flac'],
    [
      'a.flac',
      song({ disc: 2, albumArtist: 'Various Artists' }),
      'Music/Various Artists/Debut/203 - Human Behaviour.flac',
    ],
    ['b/a.flac', {}, 'Unsorted/media/b/a.flac'],
    ['b/a.mkv', { properties: { season: 1, episode: 1 } }, 'Unsorted/media/b/a.mkv'],
  ]);
});

test('jellyfin', () => {
  check('jellyfin', [
    ['a.mkv', film(), 'Movies/Heat (1995)/Heat (1995).mkv'],
    [
      'a.mkv',
      film({ tmdbId: 949, version: '1080p' }),
      'Movies/Heat (1995) [tmdbid-949]/Heat (1995) [tmdbid-949] - 1080p.mkv',
    ],
    ['a.mkv', episode({ year: 2017 }), 'Shows/Dark (2017)/Season 01/Dark S01E02.mkv'],
    ['a.ass', episode({ subtitleLanguage: 'en' }), 'Shows/Dark/Season 01/Dark S01E02.en.ass'],
    ['a.flac', song({ disc: 1 }), 'Music/Björk/Debut/Disc 1 Track 03 Human Behaviour.flac'],
    ['b/a.mkv', {}, 'Unsorted/media/b/a.mkv'],
  ]);
});

test('photos', () => {
  const mtimeMs = new Date(2023, 6, 9).getTime();
  check('photos', [
    ['b/IMG_1.CR2', { mtimeMs, properties: { taken: '2024:05:01 10:30:00' } }, 'Photos/2024/05/IMG_1.CR2'],
    ['b/IMG_1.jpg', { mtimeMs }, 'Photos/2023/07/IMG_1.jpg'],
    ['b/IMG_1.mov', { mtimeMs, properties: { taken: '2024' } }, 'Photos/2023/07/IMG_1.mov'],
    ['b/notes.txt', { mtimeMs }, 'Files/media/b/notes.txt'],
  ]);
});

test('by type and by label', () => {
  check('by-type', [
    ['b/a.pdf', {}, 'Document/media/b/a.pdf'],
    ['b/a.mkv', {}, 'Video/media/b/a.mkv'],
    ['b/Makefile', {}, 'Other/media/b/Makefile'],
  ]);
  const places = placing(presets['by-label'].text);
  assert.deepEqual(places({ path: 'b/a.pdf', labels: new Set(['work', 'tax/2024']) }), [
    'tax_2024/a.pdf',
    'work/a.pdf',
  ]);
  assert.deepEqual(places({ path: 'b/a.pdf' }), ['Unlabelled/media/b/a.pdf']);
});
