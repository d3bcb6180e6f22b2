/** What a person changed in a machine is told, one sentence for each, and never undone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DomainView } from '../../../src/controllers/ports.ts';
import { clusterOf, recordOf } from '../../fakes/builders.ts';
import { PlanCase } from './plan-case.ts';

const worker = 'alpha-compute-0';

const edits: [what: string, edit: (domain: DomainView) => void, told: RegExp | undefined][] = [
  ['nothing', () => {}, undefined],
  [
    'the same sizes',
    (domain) => Object.assign(domain, { cpus: 1, memoryBytes: 2 ** 30 }),
    undefined,
  ],
  ['its CPUs', (domain) => Object.assign(domain, { cpus: 4 }), /CPUs 4 instead of 1/],
  [
    'its memory',
    (domain) => Object.assign(domain, { memoryBytes: 3 * 2 ** 30 }),
    /memory 3072 instead of 1024/,
  ],
  ['its network', (domain) => Object.assign(domain, { networks: ['x'] }), /x instead of bench-net/],
  ['its network away', (domain) => Object.assign(domain, { networks: [] }), /network none/],
  [
    'its MAC',
    (domain) => Object.assign(domain, { macs: ['52:54:00:0:0:1'] }),
    /MAC 52:54:00:0:0:1/,
  ],
  ['its disk', (domain) => Object.assign(domain, { files: ['/tmp/x'] }), /another disk/],
  [
    'its mark away',
    (domain) => {
      delete domain.owner;
    },
    /has lost our mark/,
  ],
];

describe('a person changes', () => {
  for (const [what, edit, told] of edits) {
    test(what, () => {
      const round = new PlanCase();
      edit(round.domain(worker));
      const { drift = [], actions } = round.plan();
      assert.deepEqual(actions, [], 'nothing is undone');
      assert.equal(drift.length, told ? 1 : 0, drift.join());
      if (told) assert.match(drift.join(), told);
      const condition = round.observed.previous?.conditions.find(
        ({ type }) => type === 'AsDefined',
      );
      assert.equal(condition?.reason, told ? 'Drifted' : 'AsDefined');
      if (told) assert.match(condition?.message ?? '', told);
    });
  }

  test('a copy of a machine carries our mark, and is named', () => {
    const round = new PlanCase();
    const copy = { ...round.domain(worker), name: 'alpha-compute-0-clone', uuid: 'copy', id: -1 };
    round.inventory.domains.push({ ...copy, state: 'shutoff' });
    const { drift, actions } = round.plan();
    assert.deepEqual(drift, ['alpha-compute-0-clone carries our mark and is a copy']);
    assert.deepEqual(actions, []);
  });

  test('a machine of an older spec is told by UpToDate, not by this', () => {
    const round = new PlanCase();
    round.edit(recordOf(clusterOf({ spec: { controlPlane: { memory: '4Gi' } } })));
    Object.assign(round.domain('alpha-head-0'), { cpus: 7 });
    assert.deepEqual(round.plan().drift, []);
  });

  test('many changes make a message that is bounded', () => {
    const round = new PlanCase(recordOf(clusterOf({ replicas: 9 })));
    for (const domain of round.inventory.domains) domain.cpus = 64;
    round.plan();
    const condition = round.observed.previous?.conditions.find(({ type }) => type === 'AsDefined');
    assert.match(condition?.message ?? '', /and 5 more/);
  });
});
