/** What a reading of the source may take away at once, and how a person lets more of it go. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { revisionOf } from '../../../src/controllers/bench-cluster/removal.ts';
import { confirmAnnotation } from '../../../src/crd/annotations.ts';
import type { BenchCluster } from '../../../src/crd/bench-cluster.ts';
import { manifestOf } from '../../../src/sim/memory-source.ts';
import { clusterOf } from '../../fakes/builders.ts';
import { clustersOf, emptyLedger, Installation, resized } from './installation.ts';

const ten = clustersOf(10, 10);

/** The first of them with so many nodes. */
function smaller(nodes: number): BenchCluster {
  return clusterOf({ name: 'c0', replicas: nodes - 1 });
}

function annotated(cluster: BenchCluster, revision: string): BenchCluster {
  const { metadata } = cluster;
  return {
    ...cluster,
    metadata: { ...metadata, annotations: { [confirmAnnotation]: revision } },
  };
}

describe('one reading', () => {
  const cases: [string, BenchCluster[], BenchCluster[], string[]][] = [
    ['the only small cluster may go', clustersOf(1, 32), [], []],
    ['a large cluster by itself may not, though it is one', clustersOf(1, 33), [], ['c0']],
    ['an installation of 200 nodes in one cluster stays', clustersOf(1, 200), [], ['c0']],
    ['two small clusters that are all there is stay', clustersOf(2, 3), [], ['c0', 'c1']],
    ['three nodes in all may go, whatever they are part of', clustersOf(3, 1), [], []],
    ['the only worker but one may go', clustersOf(1, 3), clustersOf(1, 2), []],
    ['a fifth of the nodes in two clusters may go', ten, ten.slice(2), []],
    ['more than a fifth in three clusters stays', ten, ten.slice(3), ['c0', 'c1', 'c2']],
    [
      'three tenths by lower replicas may go',
      ten,
      [...ten.slice(0, 5).map((each) => resized(each, 4)), ...ten.slice(5)],
      [],
    ],
    [
      'more than three tenths by lower replicas stay',
      ten,
      [...ten.slice(0, 5).map((each) => resized(each, 3)), ...ten.slice(5)],
      ['c0', 'c1', 'c2', 'c3', 'c4'],
    ],
    [
      'twelve workers cut to one stay',
      [clusterOf({ replicas: 12 })],
      [clusterOf({ replicas: 1 })],
      ['alpha'],
    ],
    [
      'a pool under another name is a pool less',
      [clusterOf({ replicas: 12 })],
      [clusterOf({ spec: { workers: [{ name: 'other', replicas: 12 }] } })],
      ['alpha'],
    ],
    [
      'clusters under other names are clusters less',
      ten,
      clustersOf(10, 10, 'new'),
      ten.map(({ metadata }) => metadata.name),
    ],
  ];
  for (const [name, before, after, held] of cases) {
    test(name, () => {
      const world = new Installation(...before);
      const nodes = world.nodes;
      world.read(after);
      assert.deepEqual(world.held, held);
      for (const cluster of held) {
        assert.ok((world.nodes[cluster] ?? 0) >= (nodes[cluster] ?? 0), cluster);
      }
      const wanted = new Set(after.map(({ metadata }) => metadata.name));
      for (const cluster of Object.keys(nodes)) {
        if (!held.includes(cluster)) assert.equal(cluster in world.nodes, wanted.has(cluster));
      }
    });
  }

  test('creates, grows and edits while it holds what it takes away', () => {
    const world = new Installation(...ten);
    const [grown, ...rest] = ten.slice(4);
    assert.ok(grown);
    const edited = clusterOf({ name: 'c0', pool: { replicas: 1, memory: '3Gi' } });
    world.read([edited, resized(grown, 15), ...rest, clusterOf({ name: 'new' })]);
    assert.deepEqual(world.held, ['c0', 'c1', 'c2', 'c3']);
    assert.equal(world.nodes['c4'], 15);
    assert.equal(world.nodes['new'], 3);
    assert.equal(world.nodes['c0'], 10);
    const [pool] = world.entry('c0')?.record?.cluster.spec.workers ?? [];
    assert.equal(pool?.memory, '3Gi');
    assert.equal(world.entry('c0')?.record?.generation, 2);
  });

  test('keeps a pool that is gone beside those that are new, with its image', () => {
    const world = new Installation(clusterOf({ replicas: 12, pool: { image: 'debian' } }));
    world.read([clusterOf({ spec: { workers: [{ name: 'gpu', replicas: 2 }] } })]);
    const pools = world.entry('alpha')?.record?.cluster.spec.workers ?? [];
    assert.deepEqual(
      pools.map(({ name, replicas }) => [name, replicas]),
      [
        ['gpu', 2],
        ['compute', 12],
      ],
    );
    const again = world.ledger;
    world.read([clusterOf({ spec: { workers: [{ name: 'gpu', replicas: 2 }] } })]);
    assert.equal(world.ledger, again, 'and the next reading finds nothing new');
    assert.equal(world.entry('alpha')?.changed, false);
  });

  test('leaves a cluster as it is where old and new pools have no room together', () => {
    const world = new Installation(clusterOf({ replicas: 200 }));
    world.read([clusterOf({ spec: { workers: [{ name: 'gpu', replicas: 200 }] } })]);
    assert.deepEqual(world.nodes, { alpha: 201 });
    assert.equal(world.entry('alpha')?.changed, false);
  });

  test('tells each cluster what is held, of how much, and what to type', () => {
    const world = new Installation(...ten);
    world.read([smaller(2), ...ten.slice(4)]);
    const message = (name: string) => world.entry(name)?.hold?.message ?? '';
    assert.equal(world.entry('c1')?.hold?.reason, 'DeletionHeld');
    assert.match(message('c1'), /all 10 nodes stay/);
    assert.match(message('c0'), /compute 9 -> 1 waits/);
    for (const name of ['c0', 'c1', 'c2', 'c3']) {
      assert.match(
        message(name),
        /38 of 100 nodes would go \(3 clusters deleted, 1 cluster made smaller\): benchctl/,
      );
      assert.ok(message(name).includes(`benchctl confirm --revision ${world.revision}`));
    }
    assert.equal(world.entry('c4')?.hold, undefined);
  });

  test('does not count what somebody asked to delete by name', () => {
    const world = new Installation(...ten);
    world.read([], { requested: ten.map(({ metadata }) => metadata.name) });
    assert.deepEqual(world.nodes, {});
    const mixed = new Installation(...ten);
    mixed.read(ten.slice(8), { requested: ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6'] });
    assert.deepEqual(mixed.held, [], 'one small cluster beside them');
    const both = new Installation(...ten);
    both.read(ten.slice(9), { requested: ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'] });
    assert.deepEqual(both.held, ['c6', 'c7', 'c8'], 'three of the four that remain');
  });
});

describe('a burst', () => {
  test('of files that are removed one by one is one deletion', () => {
    const world = new Installation(...ten);
    for (let gone = 1; gone <= 10; gone += 1) {
      world.read(ten.slice(gone));
      world.wait(2);
    }
    assert.equal(Object.keys(world.nodes).length, 8);
    assert.equal(world.held.length, 8);
  });

  test('says so where what is held is little by itself', () => {
    const sizes = [1, 1, 1, 3, 3, 91];
    const clusters = sizes.map((nodes, i) => clusterOf({ name: `c${i}`, replicas: nodes - 1 }));
    const world = new Installation(...clusters.slice(0, 5));
    const text = () => world.entry('c3')?.hold?.message ?? 'nothing is held';
    const before =
      /because 3 of 6 nodes would go \(1 cluster deleted\), and 3 went within a minute/;
    world.read(clusters.slice(3, 5));
    world.wait(59);
    world.read(clusters.slice(4, 5));
    assert.match(text(), before);
    world.wait(3600);
    world.read(clusters.slice(4));
    assert.match(text(), before, 'also when the minute is over');
    world.read(clusters.slice(5));
    assert.match(text(), before, 'and when nothing more is held');
    assert.equal(world.nodes['c4'], undefined);
  });

  test('of replicas that are lowered step by step is one', () => {
    const world = new Installation(clusterOf({ replicas: 19 }));
    for (const replicas of [16, 13, 10, 7]) {
      world.read([clusterOf({ replicas })]);
      world.wait(10);
    }
    assert.deepEqual(world.nodes, { alpha: 14 });
    assert.deepEqual(world.held, ['alpha']);
  });

  test('that is older than a minute is not added up', () => {
    const world = new Installation(...ten);
    for (let gone = 1; gone <= 9; gone += 1) {
      world.read(ten.slice(gone));
      world.wait(61);
    }
    assert.deepEqual(world.nodes, { c9: 10 });
  });

  test('is one also when another broken file keeps a part of it from being believed', () => {
    const broken = { more: { faults: [{ file: 'x.yaml', message: 'broken' }] } };
    const world = new Installation(...ten);
    world.read(ten.slice(2));
    world.wait(1);
    world.read(ten.slice(3), broken);
    const { ledger } = world;
    world.wait(3600);
    world.read(ten.slice(3), broken);
    assert.equal(world.ledger, ledger, 'and nothing is written meanwhile');
    world.read(ten.slice(3));
    assert.deepEqual(world.held, ['c2'], 'it was asked a second after the others');
    world.wait(61);
    world.read(ten.slice(4));
    assert.deepEqual(world.held, ['c2'], 'and a minute after that is another deletion');
    assert.equal(world.nodes['c3'], undefined);
  });

  test('is no smaller because a cluster had grown when the doubt began', () => {
    const broken = { more: { faults: [{ file: 'x.yaml', message: 'broken' }] } };
    const [three, two, grown] = [3, 2, 3].map((nodes, index) =>
      clusterOf({ name: index === 0 ? 'gone' : 'other', replicas: nodes - 1 }),
    );
    assert.ok(three && two && grown);
    const world = new Installation(three, two);
    world.read([grown], broken);
    world.wait(360);
    world.read([two], broken);
    world.wait(1);
    world.read([two]);
    assert.deepEqual(world.held, ['gone']);
  });

  test('does not grow by what is edited while a broken file is left alone for days', () => {
    const broken = { more: { faults: [{ file: 'x.yaml', message: 'broken' }] } };
    const world = new Installation(clusterOf({ replicas: 100 }), clusterOf({ name: 'gone' }));
    for (let replicas = 100; replicas > 40; replicas -= 2) {
      world.read([clusterOf({ replicas })], broken);
      world.wait(86_400);
    }
    assert.deepEqual(world.held, []);
    assert.ok(world.ledger.changes.length < 3, `${world.ledger.changes.length} changes`);
  });

  test('cannot be hidden by clusters that were made just before', () => {
    const world = new Installation(...ten);
    const more = clustersOf(5, 10, 'new');
    world.read([...ten, ...more]);
    world.wait(1);
    world.read([...ten.slice(3), ...more]);
    assert.deepEqual(world.held, ['c0', 'c1', 'c2'], '30 of 150 nodes, but of 100 a second ago');
  });

  test('is no smaller because a cluster was made before the clock was set back', () => {
    const [one, two] = clustersOf(2, 3, 'new');
    assert.ok(one && two);
    const world = new Installation(clusterOf({ replicas: 3 }), one);
    world.read([clusterOf({ replicas: 3 }), one, two]);
    world.wait(-3600);
    world.read([one, two]);
    assert.deepEqual(world.held, [], 'a small one by itself');
    world.wait(1);
    world.read([one, clusterOf({ name: two.metadata.name, replicas: 1 })]);
    assert.deepEqual(world.held, [two.metadata.name]);
  });

  test('is met again after a death in between, and counted once', () => {
    const world = new Installation(...ten);
    world.judge(ten.slice(2));
    world.read(ten.slice(2));
    assert.deepEqual(world.held, []);
    assert.equal(Object.keys(world.nodes).length, 8);
    world.read(ten.slice(3));
    assert.deepEqual(world.held, ['c2']);
  });
});

describe('what is held', () => {
  test('stays held when it has become old, and little by itself', () => {
    const world = new Installation(...ten);
    world.read(ten.slice(1));
    world.read(ten.slice(3));
    assert.deepEqual(world.held, ['c1', 'c2']);
    world.wait(3600);
    world.read(ten.slice(3));
    assert.deepEqual(world.held, ['c1', 'c2']);
  });

  test('does not weigh on later, smaller readings', () => {
    const world = new Installation(...ten);
    world.read(ten.slice(5));
    world.wait(120);
    world.read(ten.slice(6));
    assert.deepEqual(world.held, ['c0', 'c1', 'c2', 'c3', 'c4']);
    assert.equal(world.nodes['c5'], undefined);
  });

  test('is released as far as it is put back', () => {
    const world = new Installation(...ten);
    world.read(ten.slice(5));
    world.read(ten.slice(1));
    assert.deepEqual(world.held, ['c0']);
    world.read(ten);
    assert.deepEqual(world.held, []);
    assert.equal(Object.keys(world.nodes).length, 10);
  });

  test('is judged anew when less of it is asked for', () => {
    const world = new Installation(clusterOf({ replicas: 12 }));
    world.read([clusterOf({ replicas: 1 })]);
    world.wait(1);
    world.read([clusterOf({ replicas: 11 })]);
    assert.deepEqual(world.held, []);
    assert.deepEqual(world.nodes, { alpha: 12 });
  });

  test('is held with what is added to it, under another revision', () => {
    const world = new Installation(clusterOf({ replicas: 12 }));
    world.read([clusterOf({ replicas: 6 })]);
    const { revision } = world;
    world.wait(3600);
    world.read([clusterOf({ replicas: 5 })]);
    assert.equal(world.heldNodes, 7);
    assert.notEqual(world.revision, revision);
  });

  const doubts: [string, Parameters<Installation['read']>[1]][] = [
    ['cannot be trusted', { more: { trusted: false, reason: 'empty' } }],
    ['has a broken file', { more: { faults: [{ file: 'x.yaml', message: 'broken' }] } }],
  ];
  for (const [why, asked] of doubts) {
    test(`stays, under its revision, while the source ${why}`, () => {
      const world = new Installation(...ten);
      world.read([]);
      const { ledger } = world;
      world.wait(5);
      world.read([], asked);
      assert.equal(world.ledger, ledger);
      assert.equal(world.entry('c0')?.hold?.reason, 'DeletionHeld');
      world.wait(120);
      world.read([]);
      assert.equal(world.ledger, ledger);
    });
  }

  test('stays while its file has not settled, as after a start', () => {
    const world = new Installation(clusterOf({ replicas: 12 }));
    world.read([clusterOf({ replicas: 1 })]);
    const { ledger } = world;
    world.read([manifestOf(clusterOf({ replicas: 1 }), false)]);
    assert.equal(world.ledger, ledger);
    assert.equal(world.entry('alpha')?.hold?.reason, 'DeletionHeld');
  });
});

describe('a confirmation', () => {
  test('lets go what it showed, once', () => {
    const world = new Installation(...ten);
    world.read(ten.slice(5));
    const { revision } = world;
    world.read(ten.slice(5), { confirmations: [revision] });
    assert.deepEqual(world.held, []);
    assert.equal(Object.keys(world.nodes).length, 5);
    world.read(ten.slice(5));
    assert.deepEqual(world.ledger.confirmed, []);
    world.wait(120);
    world.read(ten);
    world.wait(120);
    world.read(ten.slice(5), { confirmations: [revision] });
    assert.equal(world.held.length, 5, 'the same edit on another day is not confirmed by it');
  });

  test('of another revision counts for nothing', () => {
    const world = new Installation(...ten);
    world.read(ten.slice(5));
    world.read(ten.slice(5), { confirmations: ['0123456789ab'] });
    assert.equal(world.held.length, 5);
  });

  test('does not count for what has come since', () => {
    const world = new Installation(...ten);
    world.read([smaller(3), ...ten.slice(5)]);
    const { revision } = world;
    world.read([smaller(2), ...ten.slice(7)], { confirmations: [revision] });
    assert.deepEqual(world.held, ['c0', 'c5', 'c6']);
    assert.equal(world.nodes['c0'], 10);
    assert.equal(world.nodes['c5'], 10);
    assert.equal(world.nodes['c1'], undefined);
  });

  test('survives a death before anything of it is done', () => {
    const world = new Installation(...ten);
    world.read([]);
    world.judge([], { confirmations: [world.revision] });
    world.read([], { more: { trusted: false } });
    assert.equal(Object.keys(world.nodes).length, 10, 'and waits for a source that can be read');
    world.read([]);
    assert.deepEqual(world.nodes, {});
    assert.deepEqual(world.held, []);
  });

  test('may be for one cluster of several', () => {
    const world = new Installation(...ten);
    world.read(ten.slice(5));
    const [first] = world.ledger.held;
    assert.ok(first);
    world.read(ten.slice(5), { confirmations: [revisionOf([first])] });
    assert.deepEqual(world.held, ['c1', 'c2', 'c3', 'c4']);
    assert.equal(world.nodes['c0'], undefined);
  });

  test('of a smaller cluster may stand in its manifest', () => {
    const world = new Installation(clusterOf({ replicas: 12 }));
    world.read([clusterOf({ replicas: 1 })]);
    const wanted = annotated(clusterOf({ replicas: 1 }), world.revision);
    world.read([manifestOf(wanted, false)]);
    assert.deepEqual(world.nodes, { alpha: 13 }, 'not while its file has not settled');
    world.read([wanted]);
    assert.deepEqual(world.nodes, { alpha: 2 });
    world.wait(3600);
    world.read([annotated(clusterOf({ replicas: 12 }), world.revision)]);
    world.wait(3600);
    world.read([annotated(clusterOf({ replicas: 1 }), world.revision)]);
    assert.deepEqual(world.held, ['alpha'], 'and counts once');
  });

  test('is not needed for what is gone meanwhile by name', () => {
    const world = new Installation(...ten);
    world.read([]);
    world.read([], { requested: ['c0'] });
    assert.ok(!world.held.includes('c0'));
    assert.equal(world.nodes['c0'], undefined);
    assert.equal(world.held.length, 9);
  });
});

test('an installation that begins has nothing to remember', () => {
  const world = new Installation();
  world.read(ten);
  assert.equal(world.ledger, emptyLedger);
});
