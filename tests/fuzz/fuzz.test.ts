/**
 * The quick part of the fuzz gate: every committed input holds, and so do some hundred
 * others, made blindly by a fixed seed. `npm run fuzz` searches longer, led by coverage.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { committed, isCrash, knownInputs } from './corpus.ts';
import { explore, faultOf } from './explore.ts';
import { nameOf } from './minimize.ts';
import { surfaces } from './surfaces.ts';

const searchMs = 1_000;
/** A faster machine asks for no more, so that what is found first is found by `npm run fuzz`. */
const most = 500;
const mostBytes = 300 * 1024;

for (const surface of surfaces) {
  describe(`${surface.name}: ${surface.property}`, () => {
    test('for every input that is known', async () => {
      for (const seed of surface.seeds()) {
        assert.equal(await faultOf(surface, seed), undefined, `seed ${nameOf(seed)}`);
      }
      for (const { name, bytes } of committed(surface)) {
        assert.equal(await faultOf(surface, bytes), undefined, name);
      }
    });

    test('for others like them', async () => {
      const started = performance.now();
      const { executions } = await explore({
        surface,
        seed: 1,
        corpus: knownInputs(surface),
        goesOn: (done) => done < most && performance.now() - started < searchMs,
        onFailure({ bytes, error, at }) {
          const input = Buffer.from(bytes).toString('base64');
          assert.fail(`execution ${at}: ${error.stack}\ninput in base64: ${input}`);
        },
      });
      assert(executions > surface.seeds().length);
    });
  });
}

test('the corpus is small, and each file is named after what is in it', () => {
  const entries = surfaces.flatMap(committed);
  for (const entry of entries) {
    assert.equal(entry.name, `${isCrash(entry) ? 'crash-' : ''}${nameOf(entry.bytes)}`);
  }
  assert(entries.reduce((sum, { bytes }) => sum + bytes.length, 0) <= mostBytes);
});
