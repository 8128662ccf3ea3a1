/** What real servers write as an index, and lists. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeName } from '../../../src/sources/file-names.js';
import { parseIndex } from '../../../src/sources/http/index-page.js';
import { parseManifest } from '../../../src/sources/http/manifest.js';
import { fails } from '../../contract/remote-source.js';

const page = new URL('https://host/pub/iso/');

const pages = {
  nginx: `<html>\r\n<head><title>Index of /pub/iso/</title></head>\r\n<body>\r\n<h1>Index of /pub/iso/</h1><hr><pre><a href="../">../</a>\r
<a href="a%20folder/">a folder/</a>                                          01-May-2024 10:00                   -\r
<a href="one%26two.iso">one&amp;two.iso</a>                                  01-May-2024 10:00                1234\r\n</pre><hr></body>\r\n</html>`,
  apache: `<table><tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
<tr><td><img src="/icons/back.gif" alt="[PARENTDIR]"></td><td><a href="/pub/">Parent Directory</a></td></tr>
<tr><td valign="top"><a href="a%20folder/"><img src="/icons/folder.gif" alt="[DIR]"></a></td><td><a href="a%20folder/">a folder/</a></td></tr>
<tr><td><a href="one&amp;two.iso">one&amp;two.iso</a></td><td align="right">1.2K</td></tr></table>`,
  python: `<!DOCTYPE HTML><html lang="en"><body><h1>Directory listing for /pub/iso/</h1><ul>
<li><a href="a%20folder/">a folder/</a></li>\n<li><a href="one%26two.iso">one&amp;two.iso</a></li></ul></body></html>`,
  caddy: `<a href="..">Up</a><tr class="file"><td><a href="./a%20folder/"><span class="name">a folder/</span></a></td>
<td><a href="./one&amp;two.iso">x</a><a href="https://caddyserver.com">Caddy</a></td></tr>`,
  webfs: `<a href="/">/</a><a href="/pub/">pub</a>\n&lt;DIR&gt; <a href="a%20folder/">a folder</a> 5 B <a title="<b>" href="one&two.iso">x</a>`,
  odd: `<A class=x HREF='a folder/'>1</A><a\nhref=one&#38;two.iso>2</a><a name="x"><a href="/pub/iso/sub/deep">3</a><a href="mailto:a@b">4</a>
<a href="//other/pub/iso/x">5</a><a href="./">6</a><a href="%2e%2e/%2e%2e/x">7</a><a href="a%2Fb">8</a><a href="nul%00">9</a><a href="#top">0</a>`,
};

for (const [server, body] of Object.entries(pages)) {
  test(`the links of ${server}`, () => {
    assert.deepEqual(parseIndex(body, 'text/html; charset=utf-8', page), [
      { name: 'a folder', folder: true },
      { name: 'one&two.iso', folder: false },
    ]);
  });
}

test('a name that is not UTF-8 keeps its bytes, and so does one of a character that stands for a byte', () => {
  for (const [written, encoded, name] of [
    [Buffer.from('caf\xe9', 'latin1'), 'caf%E9', 'caf\uefe9'],
    [Buffer.from('\uef80'), '%EE%BE%80', '\uefee\uefbe\uef80'],
    [Buffer.from('é'), '%C3%A9', 'é'],
  ] as const) {
    const raw = decodeName(written);
    for (const href of [encoded, raw]) {
      assert.deepEqual(parseIndex(`<a href="${href}">`, 'text/html', page), [{ name, folder: false }]);
    }
    const nginx = `[{"name":"${raw}"}]`;
    const caddy = `[{"name":"caf\ufffd","url":"./${encoded}"}]`;
    for (const body of [nginx, caddy]) {
      assert.equal(parseIndex(body, 'application/json', page)?.[0]?.name, name, body);
    }
    assert.deepEqual(parseManifest(`${raw}\nhttps://host/pub/iso/${raw}`, page), [
      { key: name },
      { key: name },
    ]);
  }
});

test('what is in quotes may have < and > in it', () => {
  for (const link of ['<a href="s<t>u">', "<a href='s<t>u'>", '<a title="<\'>" href="s<t>u" class=x>']) {
    assert.deepEqual(parseIndex(link, 'text/html', page), [{ name: 's<t>u', folder: false }], link);
  }
});

test('JSON', () => {
  const mtimeUs = 1_714_557_600_000_000;
  const nginx =
    '[{"name":"d","type":"directory","mtime":"Wed, 01 May 2024 10:00:00 GMT"},{"name":"f","type":"file","mtime":"Wed, 01 May 2024 10:00:00 GMT","size":5}]';
  const caddy =
    '[{"name":"d/","size":4096,"url":"./d/","mod_time":"2024-05-01T10:00:00.9Z","mode":1,"is_dir":true,"is_symlink":false},{"name":"f","size":5,"url":"./f","mod_time":"2024-05-01T10:00:00.9Z","mode":1,"is_dir":false}]';
  for (const body of [nginx, caddy]) {
    const entries = parseIndex(body, 'application/json', page);
    assert.deepEqual(
      entries?.map(({ name, folder }) => [name, folder]),
      [
        ['d', true],
        ['f', false],
      ],
    );
    assert.deepEqual(entries?.[1]?.exact, { size: 5, mtimeUs });
  }
  assert.deepEqual(
    parseIndex(
      '[{"name":"../x","type":"file","size":1},{"name":".."},{"name":""},5]',
      'application/json',
      page,
    ),
    [],
  );
  assert.equal(parseIndex('{"error":1}', 'application/json', page), undefined);
  assert.equal(parseIndex('<html>', 'application/json', page), undefined);
  assert.equal(parseIndex('hello', 'text/plain', page), undefined);
});

test('a page without an end takes no time to speak of', () => {
  for (const piece of ['<a ', '<a href="', '<a href=x ', '&#', '<a\n', '<a "\'', '""', "'"]) {
    assert.ok(parseIndex(`<a ${piece.repeat(1_000_000)}`, 'text/html', page) !== undefined);
  }
});

test('a list', () => {
  const mtimeUs = 1_714_557_600_000_000;
  const lines = [
    '# a comment',
    '',
    'a/b c%20.txt',
    './d',
    'https://host/pub/iso/e/f%20g',
    '{"path":"h","size":5,"mtime":"2024-05-01T10:00:00Z"}',
    '{"path":"i","size":5,"mtime":1714557600}',
    '{"path":"j"}',
  ];
  assert.deepEqual(parseManifest(lines.join('\r\n'), page), [
    { key: 'a/b c%20.txt' },
    { key: 'd' },
    { key: 'e/f g' },
    { key: 'h', exact: { size: 5, mtimeUs } },
    { key: 'i', exact: { size: 5, mtimeUs } },
    { key: 'j' },
  ]);
});

test('a list that leads elsewhere is refused', () => {
  for (const line of [
    '/etc/passwd',
    '../x',
    'a/../../x',
    'a//b',
    'a/',
    '.',
    'https://other/pub/iso/x',
    'https://host/pub/x',
    'https://host/pub/iso/../../x',
    'https://host/pub/iso/x?y',
    'https://host/pub/iso/a%2Fb',
    '{"path":"/x"}',
    '{}',
    '{',
  ]) {
    assert.throws(() => parseManifest(`fine\n${line}`, page), fails('failed', /line 2/), line);
  }
});
