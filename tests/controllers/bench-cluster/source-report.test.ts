import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SourceReport } from '../../../src/controllers/bench-cluster/source-report.ts';
import type { SourceSnapshot } from '../../../src/controllers/ports.ts';
import { createLog } from '../../../src/lib/log.ts';

const well: SourceSnapshot = { trusted: true, manifests: [], faults: [] };
const settling: SourceSnapshot = { ...well, trusted: false, reason: 'read once', settling: true };
const lost: SourceSnapshot = { ...well, trusted: false, reason: 'does not exist' };
const fault = { file: 'a.yaml', message: 'is empty' };

function told(...snapshots: SourceSnapshot[]): [string | undefined, number][] {
  const news: [string | undefined, number][] = [];
  const report = new SourceReport(createLog('silent'), (reason, faults) =>
    news.push([reason, faults.length]),
  );
  for (const snapshot of snapshots) report.tell(snapshot);
  return news;
}

test('an ordinary start, first look and second, is no news', () => {
  assert.deepEqual(told(settling, settling, well), []);
});

test('what is wrong is told once, and once more when it is well again', () => {
  assert.deepEqual(told(well, lost, lost, well, well), [
    ['does not exist', 0],
    [undefined, 0],
  ]);
});

test('a faulty file is told at the first look already', () => {
  const faulty = { ...settling, faults: [fault] };
  assert.deepEqual(told(faulty, { ...well, faults: [fault] }), [[undefined, 1]]);
});
