/**
 * The files of a directory, one version after the other. The input is their texts, with a line
 * `=== N` before each version of the file N; none of them has had time to settle.
 */
import assert from 'node:assert/strict';
import { load } from '../../../src/crd/load.ts';
import { type ManifestFile, manifestKey, takeIn } from '../../../src/drivers/manifest-set.ts';
import { bytesOf, type Surface } from '../surface.ts';
import { corpusFiles, goodFiles, yamlTokens } from './manifest-seeds.ts';

const fileCount = 4;
const versionsAtMost = 12;

export const manifestSet: Surface = {
  name: 'manifest-set',
  property: 'what is in force stays in force while nothing has settled, each object once',
  covers: ['drivers/manifest-set.ts', 'crd/load.ts', 'crd/conflicts.ts', 'crd/yaml-syntax.ts'],
  tokens: [...yamlTokens, '=== 0\n', '=== 1\n', '=== 2\n', '=== 3\n'],
  maxBytes: 16 * 1024,
  limitMs: 150,
  seeds() {
    const [one = bytesOf(''), ...good] = goodFiles();
    const versions = [...corpusFiles(), ...good].map((text) =>
      Buffer.concat([bytesOf('=== 0\n'), one, bytesOf('=== 1\n'), text, bytesOf('=== 0\n'), text]),
    );
    return [Buffer.concat([bytesOf('=== 0\n'), one, bytesOf('\n=== 1\n'), one]), ...versions];
  },
  check(bytes) {
    const files = new Map<number, ManifestFile>();
    let before: string[] = [];
    for (const { index, content } of versionsOf(bytes)) {
      const known = files.get(index);
      const path = `/m/${index}.yaml`;
      const marks = { kept: known?.kept ?? [], marked: known?.marked ?? false };
      const state = { settled: false, known: true, missing: content.length === 0 };
      files.set(index, { path, loaded: load(path, content), ...state, ...marks });
      const { manifests, faults } = takeIn([...files.values()]);
      const keys = manifests.map(manifestKey);
      assert.equal(new Set(keys).size, keys.length, 'an object twice');
      for (const key of before) assert(keys.includes(key), `${key} is lost`);
      for (const fault of faults) assert(files.has(Number(/\d/.exec(fault.file)?.[0])), fault.file);
      before = keys;
    }
  },
};

function versionsOf(bytes: Uint8Array): { index: number; content: Uint8Array }[] {
  // One character for each byte, so that texts that are no UTF-8 stay what they are.
  const parts = Buffer.from(bytes).toString('latin1').split(/^=== /m).slice(0, versionsAtMost);
  return parts.slice(1).map((part) => ({
    index: (part.charCodeAt(0) || 0) % fileCount,
    content: Buffer.from(part.replace(/^[^\n]*\n?/, ''), 'latin1'),
  }));
}
