/** The fake guests read the scripts that real ones run, so they must read them as a shell does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { startUnitScript } from '../../src/controllers/bench-cluster/guest-script.ts';
import { filesOf } from '../../src/sim/guest-texts.ts';

test('the files of a start script are found whatever they hold', () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
    fc.string({ unit: fc.constantFrom("'", '\\', '\n', ' ', '$', 'a') }).map(Buffer.from),
  );
  fc.assert(
    fc.property(fc.array(content, { maxLength: 3 }), (contents) => {
      const files = contents.map((content, index) => ({
        path: `/etc/fake/file-${index}`,
        mode: '0600',
        owner: 'root:root',
        content,
      }));
      const read = new Map(filesOf(startUnitScript('form', files, 'true')));
      for (const { path, content } of files) {
        assert.equal(read.get(path), Buffer.from(content).toString('latin1'));
      }
    }),
  );
});
