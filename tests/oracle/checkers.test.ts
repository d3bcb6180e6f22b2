/** The oracle judged: each checker speaks on a bad world and is silent on a good one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { attemptCases } from './attempt-cases.ts';
import { breakerCases } from './breaker-cases.ts';
import type { Case } from './case.ts';
import { checkers } from './checkers.ts';
import { imageCases } from './image-cases.ts';
import { cluster, imageVolume, Scene } from './scene.ts';

/** A stranger's machine under a name and UUID of its own. */
function foreign(scene: Scene, name = 'web'): void {
  const domain = { ...scene.domain('a-w-1'), name, uuid: `foreign-${name}`, mac: 'ff' };
  delete domain.owner;
  scene.host.domains.push(domain);
}

function shrink(scene: Scene): Scene {
  scene.order({ workers: 1 });
  return scene;
}

/** The head is away, with its disk or without, and a worker that was on its records goes. */
function headAway(scene: Scene, withDisk: boolean): void {
  shrink(scene);
  Object.assign(scene.domain('a-head-0'), { state: 'shutoff', id: -1, answers: false });
  Object.assign(scene.scheduler, { answers: false, records: [] });
  if (withDisk) scene.removeVolume(scene.disk('a-head-0'));
  scene.wait(10_000).change('destroy', 'a-w-1');
}

const cases: Case[] = [
  {
    id: 'S1',
    what: 'a domain whose mark a person took away is powered off',
    bad(scene) {
      delete shrink(scene).domain('a-w-1').owner;
      scene.wait(10_000);
      scene.record('a-w-1').closed = true;
      scene.change('destroy', 'a-w-1');
    },
    good: (scene) => shrink(scene).drain('a-w-1').change('destroy', 'a-w-1'),
  },
  {
    id: 'S1',
    what: 'a volume is deleted that somebody else made, or uses',
    bad(scene) {
      scene.withdraw();
      scene.host.volumes.push({ name: 'photos.qcow2', capacityBytes: 5 });
      scene.wait(10_000);
      const effect = { host: 'h', kind: 'deleteVolume', name: 'photos.qcow2' } as const;
      scene.act(effect, () => scene.removeVolume('photos.qcow2'));
    },
    good(scene) {
      shrink(scene).drain('a-w-1').change('destroy', 'a-w-1').deleteDisk('a-w-1');
    },
  },
  {
    id: 'S1',
    what: 'an effect changes more than its target',
    bad(scene) {
      foreign(scene);
      const { uuid, owner } = { ...scene.domain('a-w-0'), owner: scene.mark('a-w-0') };
      scene.act({ host: 'h', kind: 'start', uuid, owner }, () => {
        scene.domain('web').state = 'shutoff';
      });
    },
    good(scene) {
      foreign(scene);
      scene.change('start', 'a-w-0');
    },
  },
  {
    id: 'S1',
    what: 'a node is made under another UUID than the last time',
    bad(scene) {
      const asked = { ...scene.definition('a-w-0'), uuid: '00000000-0000-5000-8000-000000000000' };
      scene.act({ host: 'h', kind: 'defineDomain', domain: asked });
    },
    good(scene) {
      scene.act({ host: 'h', kind: 'defineDomain', domain: scene.definition('a-w-0') });
    },
  },
  {
    id: 'S1',
    what: 'two nodes are made with one MAC',
    bad(scene) {
      scene.order({ workers: 3 });
      scene.define('a-w-2', { ...scene.definition('a-w-2'), mac: scene.definition('a-w-0').mac });
    },
    good(scene) {
      scene.order({ workers: 3 });
      scene.define('a-w-2');
    },
  },
  {
    id: 'S2',
    what: 'one node is two domains',
    bad(scene) {
      scene.define('a-w-0', { ...scene.definition('a-w-0'), uuid: 'other', mac: 'ff' });
    },
    good(scene) {
      scene.host.domains.push({ ...scene.domain('a-w-0'), uuid: 'a copy', mac: 'ff' });
      scene.change('start', 'a-w-1');
    },
  },
  {
    id: 'S3',
    what: 'a node with a job is powered off',
    bad(scene) {
      shrink(scene).drain('a-w-1');
      scene.record('a-w-1').jobs = 1;
      scene.wait(10_000).change('destroy', 'a-w-1');
    },
    good(scene) {
      shrink(scene).drain('a-w-1').wait(4000).change('destroy', 'a-w-1');
    },
  },
  {
    id: 'S3',
    what: 'a drain that was lost is remembered',
    bad(scene) {
      shrink(scene).drain('a-w-1').wait(1000);
      scene.record('a-w-1').closed = false;
      scene.wait(10_000).change('destroy', 'a-w-1');
    },
    good(scene) {
      shrink(scene).drain('a-w-1').wait(60_000).change('destroy', 'a-w-1');
    },
  },
  {
    id: 'S3',
    what: 'a scheduler that cannot be asked is taken for one without jobs',
    bad(scene) {
      shrink(scene).scheduler.answers = false;
      scene.scheduler.records = [];
      scene.wait(10_000).change('destroy', 'a-w-1');
    },
    good(scene) {
      shrink(scene).scheduler.records = scene.scheduler.records.slice(0, 1);
      scene.wait(10_000).change('destroy', 'a-w-1');
    },
  },
  {
    id: 'S3',
    what: 'what an earlier life of the head knew counts, as long as its disk is there',
    bad: (scene) => headAway(scene, false),
    good: (scene) => headAway(scene, true),
  },
  {
    id: 'S3',
    what: 'a job is cut off before the deadline that was told',
    bad: (scene) => force(scene, 200_000),
    good: (scene) => force(scene, 301_000),
  },
  {
    id: 'S3',
    what: 'the head goes before its workers',
    bad(scene) {
      scene.withdraw();
      scene.change('destroy', 'a-head-0');
    },
    good(scene) {
      scene.withdraw();
      for (const node of ['a-w-0', 'a-w-1']) scene.drain(node).change('destroy', node);
      scene.change('destroy', 'a-head-0');
    },
  },
  {
    id: 'S6',
    what: 'a node is made that nobody ordered',
    bad: (scene) => scene.makeDisk('a-w-2').define('a-w-2'),
    good(scene) {
      scene.order({ workers: 3 });
      scene.makeDisk('a-w-2').define('a-w-2');
    },
  },
  {
    id: 'S6',
    what: 'a paused cluster is touched',
    bad(scene) {
      scene.order({ paused: true });
      scene.act({ kind: 'putCluster', cluster, record: {} });
      scene.wait(10_000).change('start', 'a-w-0');
    },
    good(scene) {
      scene.order({ paused: true });
      scene.act({ kind: 'putCluster', cluster, record: {} });
      scene.wait(10_000).order({});
      scene.change('start', 'a-w-0');
    },
  },
  {
    id: 'S7',
    what: 'a wanted node is taken down because a source is empty or broken',
    bad(scene) {
      scene.held.trusted = false;
      scene.withdraw();
      scene.drain('a-w-1').change('destroy', 'a-w-1');
    },
    good(scene) {
      scene.withdraw();
      scene.drain('a-w-1').change('destroy', 'a-w-1');
    },
  },
  {
    id: 'S7',
    what: 'an edit that may be half written takes a node',
    bad(scene) {
      scene.order({ workers: 1, settled: false });
      scene.drain('a-w-1').wait(10_000).change('destroy', 'a-w-1');
    },
    good(scene) {
      scene.order({ workers: 1, settled: false });
      shrink(scene).drain('a-w-1').change('destroy', 'a-w-1');
    },
  },
  {
    id: 'S7',
    what: 'a machine of the present spec is replaced',
    bad: (scene) => scene.drain('a-w-1').change('destroy', 'a-w-1'),
    good(scene) {
      scene.order({ memory: '2Gi' });
      scene.drain('a-w-1').change('destroy', 'a-w-1');
    },
  },
  {
    id: 'S9',
    what: 'a later machine is hit than the one that was looked at',
    bad: (scene) => looked(scene, 'old'),
    good: (scene) => looked(scene, 'new'),
  },
  {
    id: 'S9',
    what: 'a later run is powered off than the one that was looked at',
    bad: (scene) => looked(scene, 'new', -1),
    good: (scene) => looked(scene, 'new'),
  },
  {
    id: 'S11',
    what: 'a command is taken by another machine at the same address',
    bad: (scene) => command(scene, 'a-w-1'),
    good: (scene) => command(scene, 'a-head-0'),
  },
  {
    id: 'S12',
    what: 'a secret is in a status or in a command',
    bad: (scene) => scene.command(`echo ${Buffer.from('canary-of-a').toString('base64')}`),
    good: (scene) => scene.command('systemd-run --unit=join printf Y2FuYXJ5LW9mLWE'),
  },
  {
    id: 'S13',
    what: 'a record goes while a volume is left',
    bad: (scene) => deleted(scene, 'a-w-1'),
    good: (scene) => deleted(scene),
  },
  {
    id: 'S13',
    what: 'the mark of a node goes before its disk',
    bad(scene) {
      shrink(scene).drain('a-w-1').change('destroy', 'a-w-1').change('undefine', 'a-w-1');
    },
    good(scene) {
      shrink(scene).drain('a-w-1').change('destroy', 'a-w-1').deleteDisk('a-w-1');
      scene.change('undefine', 'a-w-1');
    },
  },
  {
    id: 'S14',
    what: 'what a person closed is opened',
    bad(scene) {
      Object.assign(scene.record('a-w-1'), { closed: true, reason: 'fan is loud' });
      scene.wait(1000).command('resume a-w-1', () => {
        scene.record('a-w-1').closed = false;
      });
    },
    good(scene) {
      scene.drain('a-w-1').command('resume a-w-1', () => {
        scene.record('a-w-1').closed = false;
      });
    },
  },
  {
    id: 'S14',
    what: 'a record that was deleted is back, as a person had closed it, and is opened',
    bad: (scene) => cameBack(scene, 'fan is loud'),
    good: (scene) => cameBack(scene.drain('a-w-1'), 'ours'),
  },
  {
    id: 'S14',
    what: 'the reason of a person is overwritten by us, and not by another person meanwhile',
    bad: (scene) => closedAgain(scene, 'ours'),
    good: (scene) => closedAgain(scene, 'disk is slow'),
  },
  {
    id: 'S14',
    what: 'the reason of a person is overwritten, who closed what was then lost',
    bad(scene) {
      Object.assign(scene.record('a-w-1'), { closed: true, reason: 'fan is loud' });
      scene.wait(1000).command('down a-w-1 reason=ours', () => {
        scene.record('a-w-1').reason = 'ours';
      });
    },
    good(scene) {
      Object.assign(scene.record('a-w-1'), { closed: true, lost: true, reason: 'Not responding' });
      scene.wait(1000).command('down a-w-1', () => {
        scene.record('a-w-1').reason = 'ours';
      });
    },
  },
  {
    id: 'S14',
    what: 'the record of a worker that a person closed goes while its machine runs',
    bad: (scene) => forgottenClosed(scene, false),
    good: (scene) => forgottenClosed(scene, true),
  },
  {
    id: 'S15',
    what: 'a disk is made from an image that holds something else',
    bad(scene) {
      const volume = scene.host.volumes.find(({ name }) => name === imageVolume);
      if (volume) volume.contentSha256 = 'f'.repeat(64);
      scene.makeDisk('a-w-0');
    },
    good: (scene) => scene.makeDisk('a-w-0'),
  },
  {
    id: 'S3',
    what: 'the record of a worker whose daemon answers is deleted with a job on it',
    bad: (scene) => forgotten(scene, true),
    good: (scene) => forgotten(scene, false),
  },
  {
    id: 'S16',
    what: 'an effect is asked for while it is under way',
    bad(scene) {
      const volume = { name: 'a', capacityBytes: 1, backingVolume: imageVolume };
      scene.order({ workers: 3 });
      for (const _ of [1, 2]) scene.oracle.asked({ host: 'h', kind: 'createVolume', volume });
    },
    good(scene) {
      const artifact = { volume: imageVolume, sha256: 'a'.repeat(64) };
      for (const _ of [1, 2]) scene.act({ host: 'h', kind: 'uploadArtifact', artifact });
    },
  },
  {
    id: 'S16',
    what: 'one cluster asks for what it shares while that is under way for it',
    bad: (scene) => uploading(scene, ['1', '2', '1']),
    good: (scene) => uploading(scene, ['1', '2']),
  },
  {
    id: 'S16',
    what: 'more nodes are replaced at a time than the pool can spare',
    bad(scene) {
      scene.order({ memory: '2Gi' });
      for (const node of ['a-w-0', 'a-w-1']) scene.drain(node).change('destroy', node);
    },
    good(scene) {
      scene.order({ memory: '2Gi' });
      scene.drain('a-w-0').change('destroy', 'a-w-0').deleteDisk('a-w-0');
      scene.change('undefine', 'a-w-0').makeDisk('a-w-0').define('a-w-0');
      Object.assign(scene.record('a-w-0'), { closed: false });
      scene.change('start', 'a-w-0').drain('a-w-1').change('destroy', 'a-w-1');
    },
  },
  {
    id: 'S17',
    what: 'a node is restarted for its health while most of its cluster is ill',
    bad: (scene) => silent(scene, 'a-w-0', 'a-w-1'),
    good: (scene) => silent(scene, 'a-w-0'),
  },
  {
    id: 'S18',
    what: 'a name holds more than letters',
    bad: (scene) => scene.act({ host: 'h', kind: 'deleteVolume', name: 'a;reboot' }),
    good: (scene) => scene.act({ host: 'h', kind: 'deleteVolume', name: 'a-reboot' }),
  },
  {
    id: 'L4',
    what: 'a status is written that says nothing new',
    bad: (scene) => scene.tell({ 'a-w-0': 'Ready' }).tell({ 'a-w-0': 'Ready' }),
    good: (scene) => scene.tell({ 'a-w-0': 'Ready' }).tell({ 'a-w-0': 'Draining' }),
  },
  ...attemptCases,
  ...breakerCases,
  ...imageCases,
];

function silent(scene: Scene, ...nodes: string[]): void {
  for (const node of nodes) {
    scene.domain(node).answers = false;
    scene.record(node).up = false;
  }
  scene.wait(1000).wait(900_000).drain('a-w-0').change('destroy', 'a-w-0');
}

function force(scene: Scene, afterMs: number): void {
  scene.order({ workers: 1, drain: { timeout: '5m', onTimeout: 'Force' } });
  scene.record('a-w-1').jobs = 1;
  scene.drain('a-w-1').tell({ 'a-w-1': 'Draining' }).wait(afterMs).change('destroy', 'a-w-1');
}

function looked(scene: Scene, specHash: string, runsLater = 0): void {
  const domain = shrink(scene).domain('a-w-1');
  const { node, ...mark } = scene.mark('a-w-1');
  const of = (hash: string) => ({ ...mark, ...(node && { node: { ...node, specHash: hash } }) });
  domain.owner = of('new');
  const seen = { uuid: domain.uuid, owner: of(specHash), id: domain.id + runsLater };
  scene.drain('a-w-1').act({ host: 'h', kind: 'destroy', ...seen });
}

function command(scene: Scene, at: string): void {
  const { mac } = scene.domain(at);
  scene.host.networks[0]?.leases.push({ mac, address: '10.0.0.2' });
  scene.wait(1000).command('hostname');
}

function deleted(scene: Scene, except?: string): void {
  scene.withdraw();
  for (const node of ['a-w-0', 'a-w-1', 'a-head-0']) {
    if (node !== 'a-head-0') scene.drain(node);
    scene.change('destroy', node);
    if (node !== except) scene.deleteDisk(node);
    const { uuid } = scene.domain(node);
    scene.host.domains = scene.host.domains.filter((domain) => domain.uuid !== uuid);
  }
  scene.host.networks = [];
  scene.removeVolume(imageVolume);
  scene.act({ kind: 'removeCluster', cluster });
}

function uploading(scene: Scene, askers: string[]): void {
  const artifact = { volume: imageVolume, sha256: 'a'.repeat(64) };
  for (const by of askers) scene.oracle.asked({ host: 'h', by, kind: 'uploadArtifact', artifact });
}

function forgotten(scene: Scene, up: boolean): void {
  Object.assign(scene.record('a-w-1'), { jobs: 1, up });
  scene.command('delete a-w-1', () => {
    scene.scheduler.records = scene.scheduler.records.filter(({ name }) => name !== 'a-w-1');
  });
}

function forgottenClosed(scene: Scene, refused: boolean): void {
  Object.assign(scene.record('a-w-1'), { closed: true, reason: 'fan is loud', refused });
  scene.wait(10_000).command('delete a-w-1', () => {
    scene.scheduler.records = scene.scheduler.records.filter(({ name }) => name !== 'a-w-1');
  });
}

/** A head without power, or from a backup, has forgotten that it had deleted the record. */
function closedAgain(scene: Scene, reason: string) {
  Object.assign(scene.record('a-w-1'), { closed: true, reason: 'fan is loud' });
  scene.wait(1000).command('down a-w-1 reason=ours', () => {
    scene.record('a-w-1').reason = reason;
  });
}

function cameBack(scene: Scene, reason: string): void {
  const closed = { ...scene.record('a-w-1'), closed: true, reason };
  scene.scheduler.records = scene.scheduler.records.filter(({ name }) => name !== 'a-w-1');
  scene.wait(1000);
  scene.scheduler.records.push(closed);
  scene.wait(1000).command('resume a-w-1', () => {
    scene.record('a-w-1').closed = false;
  });
}

test('a cluster that is made as it should be is no matter for any checker', () => {
  assert.deepEqual(new Scene().ready().oracle.violations, []);
});

describe('a checker speaks on a bad world and is silent on a good one', () => {
  for (const { id, what, bad, good } of cases) {
    test(`${id}: ${what}`, () => {
      const wrong = new Scene().ready();
      bad(wrong);
      assert.ok(wrong.found.includes(id), `found: ${wrong.oracle.lines.join('; ')}`);
      const right = new Scene().ready();
      good(right);
      assert.deepEqual(right.oracle.lines, []);
    });
  }
});

test('no checker is without a case', () => {
  const covered = new Set(cases.map(({ id }) => id));
  const silent = checkers.filter(({ id }) => !covered.has(id)).map(({ id }) => id);
  assert.deepEqual(silent, []);
});
