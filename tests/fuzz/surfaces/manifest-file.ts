/** The bytes of one manifest file, as somebody left them in the watched directory. */
import assert from 'node:assert/strict';
import { describeFault } from '../../../src/crd/fault.ts';
import { load } from '../../../src/crd/load.ts';
import { maxManifestBytes } from '../../../src/crd/manifest-text.ts';
import { oneLine } from '../../../src/lib/printable.ts';
import { bytesOf, type Surface } from '../surface.ts';
import { corpusFiles, goodFiles, yamlTokens } from './manifest-seeds.ts';

const file = '/m/a.yaml';

export const manifestFile: Surface = {
  name: 'manifest-file',
  property: 'objects or faults, each fault with file and place; an object is read back the same',
  covers: ['crd/'],
  tokens: yamlTokens,
  maxBytes: maxManifestBytes + 64,
  // Half of it on a quiet machine.
  limitMs: 100,
  seeds: () => [...corpusFiles(), ...goodFiles()],
  check(bytes) {
    const { manifests, faults } = load(file, bytes);
    assert(manifests.length > 0 || faults.length > 0, 'neither objects nor faults');
    for (const fault of faults) {
      assert.equal(fault.file, file);
      assert.doesNotMatch(fault.message, /^cannot be read: /, 'the last fence was needed');
      assert.notEqual(fault.message, '');
      assert.equal(describeFault(fault), oneLine(describeFault(fault)), 'not one plain line');
      assert(fault.line === undefined || fault.line >= 1, 'no line of the file');
      assert(fault.line !== undefined || isOfWhole(fault.message), `no line: ${fault.message}`);
    }
    assert.equal(Reflect.get({}, 'polluted'), undefined);
    for (const { kind, object } of manifests) {
      const text = `${JSON.stringify(object)}\n`;
      if (text.length > maxManifestBytes) continue;
      const again = load(file, bytesOf(text));
      // A text of aliases may unfold to more than a text may hold.
      if (again.faults.some(({ message }) => message.startsWith('has more than'))) continue;
      assert.deepEqual(again.faults, [], 'its own text is refused');
      assert.deepEqual([again.manifests[0]?.kind, again.manifests[0]?.object], [kind, object]);
    }
  },
};

/** What concerns the whole text has no line. */
function isOfWhole(message: string): boolean {
  return /^(is (larger|empty|UTF-|not valid UTF-8)|begins with a byte order|holds no manifest|cannot be read as YAML|has \d+ more)/.test(
    message,
  );
}
