// Images beside tracks: what is taken for one, whatever somebody has put there.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFolderCover } from '../../../src/adapters/media/cover-art.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'earshot-cover-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function typeOf(text: string): Promise<string | undefined> {
  const file = path.join(dir, 'cover.svg');
  await writeFile(file, text);
  return (await readFolderCover(file))?.mimeType;
}

describe('an SVG', () => {
  it.each([
    '<svg/>'.replace('/', ' /'),
    '\uFEFF <?xml version="1.0"?>\n<!-- a --> <!-- <svg> -->\n<!DOCTYPE svg PUBLIC "x" "y">\n<SVG>',
    '<!----><svg\n>',
  ])('is known by its root, behind whatever may stand before it: %j', async (text) => {
    expect(await typeOf(text)).toBe('image/svg+xml');
  });

  it.each([
    '<svgx>',
    '<html><svg>',
    '<!-- <svg>',
    '<!-- a --> b <svg>',
    '<?xml <svg>',
    '',
    `${' '.repeat(3_000)}<svg>`,
  ])('is not what has another: %j', async (text) => {
    expect(await typeOf(text)).toBeUndefined();
  });

  it('is not looked for without end in a row of comments', async () => {
    expect(await typeOf('<!---->'.repeat(1_000))).toBeUndefined();
    expect(await typeOf('<!-- --'.repeat(1_000))).toBeUndefined();
    expect(await typeOf('<?xml ?>'.repeat(1_000))).toBeUndefined();
  });
});
