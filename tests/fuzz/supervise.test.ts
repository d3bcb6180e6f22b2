/** An input that never ends, or takes all memory, is a failure of its surface and is kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { supervised } from './supervise.ts';

const worker = fileURLToPath(new URL('./planted-worker.ts', import.meta.url));

for (const [surface, reason] of [
  ['hang', /hangs for 3 s/],
  ['memory', /ends its process/],
] as const) {
  test(`${surface} in a worker`, async () => {
    const saved: [string, Uint8Array][] = [];
    const report = await supervised(
      { surface, seed: 1, seconds: 1, keep: false },
      {
        ...{ worker, hangMs: 3_000, heapMiB: 64 },
        save(name, bytes) {
          saved.push([name, Uint8Array.from(bytes)]);
          return 'kept';
        },
      },
    );
    assert.deepEqual(saved, [[surface, Uint8Array.of(3, 3)]]);
    assert.deepEqual(
      report.failures.map(({ file }) => file),
      ['kept'],
    );
    assert.match(report.failures[0]?.message ?? '', reason);
    assert.equal(report.executions, 3);
  });
}
