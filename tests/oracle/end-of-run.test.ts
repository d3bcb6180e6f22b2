/** What is said at the end of a run, of worlds that are not as the source orders them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cluster, Scene } from './scene.ts';

function ready(): Scene {
  const phases = { 'a-head-0': 'Ready', 'a-w-0': 'Ready', 'a-w-1': 'Ready' };
  return new Scene().ready().tell(phases);
}

const faults: [string, string, (scene: Scene) => void][] = [
  ['a node is missing', 'a-w-1 is missing', (scene) => scene.host.domains.pop()],
  ['a node is off', 'a-w-1 is shutoff', (scene) => off(scene)],
  ['a node is too many', 'a-w-1 is there', (scene) => scene.order({ workers: 1 })],
  ['a node is of another spec', 'a-w-1 has 1 CPUs', (scene) => scene.order({ memory: '2Gi' })],
  ['a node has not joined', 'a-w-1 is not on record', (scene) => scene.scheduler.records.pop()],
  ['a node is not taken back', 'a-w-1 is still closed', (scene) => scene.drain('a-w-1')],
  [
    'its scheduler has lost a node',
    'a-w-1 has not joined',
    (scene) => {
      const lost = { closed: true, lost: true, up: false, reason: 'Not responding' };
      Object.assign(scene.record('a-w-1'), lost);
    },
  ],
  ['the status lags', 'a-w-1 is Booting', (scene) => scene.tell({ 'a-w-1': 'Booting' })],
  ['the network is off', 'network net is not', (scene) => scene.host.networks.pop()],
  ['nothing was deleted', 'a-w-1 is left', (scene) => scene.withdraw()],
];

function off(scene: Scene): void {
  scene.domain('a-w-1').state = 'shutoff';
}

test('of a world as it is ordered nothing is said', () => {
  const scene = ready();
  scene.oracle.judgeEnd();
  assert.deepEqual(scene.oracle.lines, []);
});

for (const [what, words, spoil] of faults) {
  test(`it is said when ${what}`, () => {
    const scene = ready();
    spoil(scene);
    scene.oracle.judgeEnd();
    assert.ok(
      scene.oracle.lines.some((line) => line.includes(words)),
      scene.oracle.lines.join(),
    );
  });
}

test('what a person closed is not asked for', () => {
  const scene = ready();
  Object.assign(scene.record('a-w-1'), { closed: true, reason: 'fan is loud' });
  scene.oracle.judgeEnd();
  assert.deepEqual(scene.oracle.lines, []);
});

test('a deletion ends with its record, and what came and went unseen has none', () => {
  const scene = ready();
  scene.withdraw();
  Object.assign(scene.host, { domains: [], volumes: [], networks: [] });
  scene.stored().oracle.judgeEnd();
  assert.match(scene.oracle.lines.join(), /L5: the deletion of default\/a has not ended/);
  const later = ready();
  later.withdraw();
  Object.assign(later.host, { domains: [], volumes: [], networks: [] });
  later.stored().act({ kind: 'removeCluster', cluster }).order({});
  later.withdraw();
  later.oracle.judgeEnd();
  assert.deepEqual(later.oracle.lines, []);
});

test('at rest each effect is named', () => {
  const scene = ready();
  const mark = scene.oracle.rest();
  scene.oracle.judgeRest(mark);
  assert.deepEqual(scene.oracle.lines, []);
  scene.tell({ 'a-w-0': 'Ready' });
  scene.oracle.judgeRest(mark);
  assert.match(scene.oracle.lines.join(), /L2: at rest, 1 effects: putStatus default\/a/);
});

test('at rest nothing is told either, and nothing is noted', () => {
  const scene = ready();
  const mark = scene.oracle.rest();
  scene.oracle.told('the log', 'a line');
  scene.oracle.judgeRest(mark);
  assert.deepEqual(scene.oracle.lines, []);
  scene.oracle.wrote('appendEvent default/a AtRest', {});
  scene.oracle.judgeRest(mark);
  assert.match(scene.oracle.lines.join(), /L2: at rest, 1 effects: appendEvent default\/a AtRest/);
});

test('a secret in the log is found, also in what hangs on an error', () => {
  const scene = ready();
  const [secret = Buffer.of()] = scene.keys.values();
  const input = `printf ${Buffer.from(secret).toString('base64')}`;
  scene.oracle.told('the log', [{ err: new Error('it failed') }, 'action failed']);
  assert.deepEqual(scene.found, []);
  const err = Object.assign(new Error('it failed'), { input });
  scene.oracle.told('the log', [{ err }, 'action failed']);
  assert.deepEqual(scene.found, ['S12']);
});
