/** What a round decides, by values: the way of a wanted node, and what all nodes share. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { actionKey } from '../../../src/controllers/bench-cluster/action.ts';
import type { FailureView } from '../../../src/controllers/bench-cluster/observed.ts';
import type { Verdict } from '../../../src/controllers/schedulers/scheduler.ts';
import { clusterOf, imageOf, recordOf } from '../../fakes/builders.ts';
import { now, PlanCase, poolPath } from './plan-case.ts';

const worker = 'alpha-compute-0';
const disk = (round: PlanCase, name = worker) => round.node(name).volume;

interface Row {
  name: string;
  given: (round: PlanCase) => void;
  /** Phase and reason of the first worker. */
  phase: [string, string];
  actions: string[];
}

const rows: Row[] = [
  { name: 'all is well: nothing is done', given: () => {}, phase: ['Ready', 'Ready'], actions: [] },
  {
    name: 'no domain and no disk: the disk is made first',
    given: (round) => round.without({ domain: worker, volume: disk(round) }),
    phase: ['Creating', 'CreatingVolume'],
    actions: ['createVolume alpha-compute-0-e9fa6c8e.qcow2'],
  },
  {
    name: 'a disk without a domain: the domain is defined',
    given: (round) => round.without({ domain: worker }),
    phase: ['Creating', 'DefiningDomain'],
    actions: [`define ${worker}`],
  },
  {
    name: 'a disk of another size was made from another spec: it is made anew',
    given: (round) => {
      round.without({ domain: worker });
      Object.assign(volumeOf(round), { capacityBytes: 1 });
    },
    phase: ['Creating', 'StaleVolume'],
    actions: ['deleteVolume alpha-compute-0-e9fa6c8e.qcow2'],
  },
  {
    name: 'a disk on another image of ours is made anew',
    given: (round) => {
      round.without({ domain: worker });
      Object.assign(volumeOf(round), { backingPath: `${poolPath}/old-0123456789ab.qcow2` });
    },
    phase: ['Creating', 'StaleVolume'],
    actions: ['deleteVolume alpha-compute-0-e9fa6c8e.qcow2'],
  },
  {
    name: 'a disk that is on none of our images is somebody else’s',
    given: (round) => {
      round.without({ domain: worker });
      Object.assign(volumeOf(round), { backingPath: '/elsewhere/x.qcow2' });
    },
    phase: ['Stalled', 'ForeignVolume'],
    actions: [],
  },
  {
    name: 'a domain that is off is started',
    given: (round) => round.off(worker),
    phase: ['Creating', 'Starting'],
    actions: [`start ${worker}`],
  },
  {
    name: 'a domain that crashed is started',
    given: (round) => Object.assign(round.off(worker).domain(worker), { state: 'crashed' }),
    phase: ['Creating', 'Starting'],
    actions: [`start ${worker}`],
  },
  {
    name: 'a domain that is off and has lost its disk gets a new one before it starts',
    given: (round) => round.off(worker).without({ volume: disk(round) }),
    phase: ['Creating', 'CreatingVolume'],
    actions: ['createVolume alpha-compute-0-e9fa6c8e.qcow2'],
  },
  {
    name: 'a paused domain waits for a person',
    given: (round) => Object.assign(round.domain(worker), { state: 'paused', reason: 'user' }),
    phase: ['Stalled', 'PausedByUser'],
    actions: [],
  },
  {
    name: 'a domain that shuts down is waited for',
    given: (round) => Object.assign(round.domain(worker), { state: 'shutdown' }),
    phase: ['NotReady', 'ShuttingDown'],
    actions: [],
  },
  {
    name: 'a domain that was undefined while it runs is defined again',
    given: (round) => Object.assign(round.domain(worker), { persistent: false }),
    phase: ['NotReady', 'Undefined'],
    actions: [`define ${worker}`],
  },
  {
    name: 'a foreign domain of the name of a node is named and left alone',
    given: (round) => {
      Object.assign(round.domain(worker), { uuid: 'somebody' });
      delete round.domain(worker).owner;
    },
    phase: ['Stalled', 'ForeignDomain'],
    actions: [],
  },
  {
    name: 'a domain of the UUID of a node that was renamed is left alone',
    given: (round) => Object.assign(round.domain(worker), { name: 'renamed' }),
    phase: ['Stalled', 'ForeignDomain'],
    actions: [],
  },
  {
    name: 'a domain with the mark of another installation is left alone',
    given: (round) => {
      const domain = round.domain(worker);
      domain.owner = { ...domain.owner, installation: 'another' };
    },
    phase: ['Stalled', 'ForeignDomain'],
    actions: [],
  },
  {
    name: 'a guest that was not seen yet boots',
    given: (round) => round.guests.delete(worker),
    phase: ['Booting', 'Booting'],
    actions: [],
  },
  {
    name: 'a guest without a lease says so',
    given: (round) =>
      round.guests.set(worker, { kind: 'unproven', reason: 'WaitingForAddress', message: '-' }),
    phase: ['Booting', 'WaitingForAddress'],
    actions: [],
  },
];

function volumeOf(round: PlanCase) {
  const found = round.inventory.pool.volumes.find(({ name }) => name === disk(round));
  if (found === undefined) throw new RangeError('no disk');
  return found;
}

test('who has the name or the UUID of a node is told, and what to do', () => {
  const owner = { namespace: 'lab', cluster: 'alpha' };
  const told = (change: (domain: ReturnType<PlanCase['domain']>) => void) => {
    const round = new PlanCase();
    change(round.domain(worker));
    const node = round.plan().nodes.find(({ scope }) => scope.name === worker);
    return node?.outcome.message ?? '';
  };
  assert.match(
    told((domain) => Object.assign(domain, { uuid: 'u', owner: undefined })),
    /^domain alpha-compute-0 \(u\) on \S+ is not ours and has the name of this node: rename it, or/,
  );
  assert.match(
    told((domain) => {
      assert.ok(domain.owner?.node);
      Object.assign(domain.owner.node, owner);
      domain.uuid = 'u';
    }),
    /is of cluster alpha in namespace lab and has the name of this node/,
  );
  assert.match(
    told((domain) => Object.assign(domain, { name: 'renamed' })),
    /is of cluster alpha .*has the UUID of this node: rename it to alpha-compute-0, or undefine it$/,
  );
});

describe('the way of a wanted node', () => {
  for (const { name, given, phase, actions } of rows) {
    test(name, () => {
      const round = new PlanCase();
      given(round);
      assert.deepEqual(round.actions(), actions);
      const phases = round.phases();
      assert.deepEqual(phases[worker], phase);
      assert.deepEqual(phases['alpha-compute-1'], ['Ready', 'Ready'], 'the other goes on');
    });
  }

  const verdicts: [Verdict, [string, string]][] = [
    [{ kind: 'ready' }, ['Ready', 'Ready']],
    [{ kind: 'configuring', reason: 'UnitRunning', message: '-' }, ['Configuring', 'UnitRunning']],
    [{ kind: 'failed', reason: 'Bad', message: '-', retryAt: now }, ['Configuring', 'Bad']],
    [{ kind: 'notReady', reason: 'Down', message: '-' }, ['NotReady', 'Down']],
    [{ kind: 'draining', reason: 'Drained', message: '-' }, ['NotReady', 'Drained']],
    [{ kind: 'absent' }, ['Configuring', 'Joining']],
    [{ kind: 'drained', message: '-' }, ['Configuring', 'Joining']],
  ];
  for (const [verdict, phase] of verdicts) {
    test(`the verdict ${verdict.kind} of the scheduler makes it ${phase.join(' ')}`, () => {
      const round = new PlanCase();
      round.verdicts.set(worker, verdict);
      assert.deepEqual(round.phase(worker), phase);
    });
  }

  test('a domain is defined as the spec says, with a type that the host has', () => {
    const round = new PlanCase().without({ domain: worker });
    const [planned] = round.plan().actions;
    assert.ok(planned?.action.kind === 'defineDomain');
    const { domain } = planned.action;
    const node = round.node(worker);
    assert.equal(domain.type, 'kvm');
    assert.equal(domain.mac, node.mac);
    assert.equal(domain.volume, node.volume);
    assert.equal(domain.owner.node?.specHash, node.specHash);
    assert.equal(domain.boot?.cmdline, 'root=/dev/vda');
    round.inventory.domainTypes = ['qemu'];
    const [again] = round.plan().actions;
    assert.ok(again?.action.kind === 'defineDomain');
    assert.equal(again.action.domain.type, 'qemu');
  });

  test('an outdated head that was undefined gets the definition back that it runs with', () => {
    const round = new PlanCase();
    const head = round.domain('alpha-head-0');
    Object.assign(head, { persistent: false, cpus: 3, memoryBytes: 2 ** 31 });
    const spec = { controlPlane: { memory: '4Gi', cpus: 4 }, image: 'other' };
    const images = [...round.record.images, imageOf('other', 'b')];
    round.edit(recordOf(clusterOf({ spec }), { images }));
    const [defined = assert.fail()] = round
      .plan()
      .actions.flatMap(({ action }) => (action.kind === 'defineDomain' ? action.domain : []));
    const { name, cpus, memoryBytes, boot, owner } = defined;
    assert.deepEqual([name, cpus, memoryBytes], ['alpha-head-0', 3, 2 ** 31]);
    const files = [boot?.kernel, boot?.initrd].map((file) => `${poolPath}/${file}`);
    assert.deepEqual(files, head.files.slice(1));
    assert.deepEqual(owner, head.owner, 'its mark still tells its spec');
  });

  test('an outdated worker that was undefined runs on until its turn', () => {
    const round = new PlanCase();
    Object.assign(round.domain('alpha-compute-1'), { persistent: false });
    round.edit(recordOf(clusterOf({ pool: { memory: '4Gi' } })));
    round.verdicts.set('alpha-compute-0', { kind: 'draining', reason: 'Jobs', message: '1 job' });
    assert.deepEqual(round.actions(), []);
  });
});

describe('what all nodes share', () => {
  const empty = () => {
    const round = new PlanCase();
    for (const { name } of round.cluster.nodes) {
      round.without({ domain: name, volume: round.node(name).volume });
    }
    return round;
  };

  test('without image and network nothing but these is made', () => {
    const round = empty();
    round.inventory.networks = [];
    round.inventory.pool.volumes = [];
    assert.deepEqual(round.actions(), [
      'createNetwork bench-net',
      'upload debian-aaaaaaaaaaaa.qcow2',
      'upload debian-aaaaaaaaaaaa.vmlinuz',
      'upload debian-aaaaaaaaaaaa.initrd',
    ]);
    assert.deepEqual(round.phase(worker), ['Pending', 'UploadingImage']);
  });

  test('an upload under way is not begun again, and its progress is told', () => {
    const round = empty();
    round.inventory.pool.volumes = round.inventory.pool.volumes.filter(
      ({ name }) => !name.endsWith('.qcow2'),
    );
    const key = 'rhodey/upload/debian-aaaaaaaaaaaa.qcow2';
    round.observed = { operations: [{ key, progress: '43 %' }] };
    const planned = round.plan();
    assert.deepEqual(planned.actions, []);
    assert.match(planned.nodes[0]?.outcome.message ?? '', /43 %/);
    assert.ok(planned.considered.has(key), 'it may have failed since');
  });

  test('a kernel that is missing holds creation up as well', () => {
    const round = empty();
    round.inventory.pool.volumes = round.inventory.pool.volumes.filter(
      ({ name }) => !name.endsWith('.vmlinuz'),
    );
    assert.deepEqual(round.actions(), ['upload debian-aaaaaaaaaaaa.vmlinuz']);
  });

  const networks: [string, (round: PlanCase) => void, string, string[]][] = [
    [
      'a network of ours that was stopped is started',
      (round) => Object.assign(round.inventory.networks[0] ?? {}, { active: false }),
      'CreatingNetwork',
      ['createNetwork bench-net'],
    ],
    [
      'a network of our name that is not ours is named and left alone',
      (round) => delete round.inventory.networks[0]?.owner,
      'ForeignNetwork',
      [],
    ],
    [
      'an inactive pool stops everything',
      (round) => {
        round.inventory.pool.active = false;
        round.inventory.pool.volumes = [];
      },
      'PoolInactive',
      [],
    ],
  ];
  for (const [name, given, reason, actions] of networks) {
    test(name, () => {
      const round = empty();
      given(round);
      assert.deepEqual(round.actions(), actions);
      assert.equal(round.phase(worker)?.[1], reason);
    });
  }

  test('an unmanaged network that is missing or stopped needs a person', () => {
    const record = recordOf(clusterOf({ spec: { network: { name: 'bridge0' } } }));
    const round = new PlanCase(record);
    for (const { name, volume } of round.cluster.nodes) round.without({ domain: name, volume });
    round.inventory.networks[0] = { name: 'bridge0', uuid: 'x', active: false, leases: [] };
    assert.deepEqual(round.phase(worker), ['Stalled', 'NetworkInactive']);
    round.inventory.networks = [];
    assert.deepEqual(round.phase(worker), ['Stalled', 'NetworkNotFound']);
    assert.equal(round.plan().blockers[0]?.waiting, false);
    assert.deepEqual(round.actions(), []);
  });

  test('nodes that run do not care for a network that a person stopped', () => {
    const record = recordOf(clusterOf({ spec: { network: { name: 'bridge0' } } }));
    const round = new PlanCase(record);
    round.inventory.networks = [];
    assert.deepEqual(round.phase(worker), ['Ready', 'Ready']);
  });
});

describe('when, and whether at all', () => {
  const failed = (round: PlanCase, view: Partial<FailureView>) => {
    round.off(worker);
    const [planned] = round.plan().actions;
    assert.ok(planned);
    const failure = { code: 'failed', message: 'no memory', attempts: 3, retryAt: now } as const;
    round.observed = {
      failures: new Map([[actionKey(planned.action), { ...failure, ...view }]]),
    };
    return round.plan();
  };

  test('a failed action waits for its time, and says what failed', () => {
    const planned = failed(new PlanCase(), { retryAt: now + 4000 });
    assert.deepEqual(planned.actions, []);
    assert.equal(planned.blockers[0]?.message, `start domain ${worker}: no memory`);
    assert.equal(planned.blockers[0]?.waiting, true);
    assert.ok(planned.wakeAt <= now + 4000);
  });

  test('a failed action whose time has come is tried', () => {
    assert.equal(failed(new PlanCase(), { retryAt: now }).actions.length, 1);
  });

  for (const code of ['conflict', 'rejected'] as const) {
    test(`a ${code} needs a person`, () => {
      const planned = failed(new PlanCase(), { code, retryAt: now + 9 });
      assert.equal(planned.blockers[0]?.waiting, false);
    });
  }

  test('an unreachable host stops all acts, and nobody is called removed', () => {
    const round = new PlanCase();
    round.plan();
    round.edit(recordOf(clusterOf({ replicas: 1 })));
    round.verdicts.set('alpha-compute-1', { kind: 'draining', reason: 'Jobs', message: '-' });
    assert.deepEqual(round.phase('alpha-compute-1'), ['Draining', 'Jobs']);
    round.observed = { ...round.observed, host: { error: 'no route' } };
    const planned = round.plan();
    assert.deepEqual(planned.actions, []);
    assert.equal(planned.blockers[0]?.reason, 'HostUnreachable');
    const phases = planned.nodes.map(({ scope, outcome }) => [scope.name, outcome.phase]);
    assert.deepEqual(phases, [
      ['alpha-head-0', 'NotReady'],
      [worker, 'NotReady'],
      ['alpha-compute-1', 'Draining'],
    ]);
    assert.equal(planned.finished, false);
  });

  test('a host that was never reached leaves its nodes pending', () => {
    const round = new PlanCase();
    round.observed = { host: { error: 'no route' } };
    assert.deepEqual(round.phase(worker), ['Pending', 'HostUnreachable']);
  });

  test('one on its way is looked at soon, and more seldom the longer it takes', () => {
    const waitsOf = (round: PlanCase) =>
      [0, 1000, 9000, 30_000, 600_000].map((step) => {
        round.now += step;
        return round.plan().wakeAt - round.now;
      });
    const joining = new PlanCase();
    joining.verdicts.set(worker, { kind: 'configuring', reason: 'Joining', message: '-' });
    assert.deepEqual(waitsOf(joining), [250, 250, 1000, 4000, 30_000]);
    const booting = new PlanCase();
    booting.guests.delete(worker);
    assert.deepEqual(waitsOf(booting), [250, 250, 250, 800, 12_800]);
  });

  test('one whose unit runs, or is to be started, is left alone until that has ended', () => {
    const round = new PlanCase();
    round.verdicts.set(worker, { kind: 'configuring', reason: 'Joining', message: '-' });
    const action = { kind: 'startUnit' as const, unit: 'join', files: [], script: '' };
    round.schedulerActions = [{ node: worker, action, why: 'it has not joined' }];
    assert.equal(round.plan().wakeAt - round.now, 5000);
    round.schedulerActions = [];
    assert.equal(round.plan().wakeAt - round.now, 250);
    round.observed.operations = [{ key: `${worker}/unit/join`, guest: worker, progress: 'begun' }];
    assert.equal(round.plan().wakeAt - round.now, 5000);
  });

  test('at rest it looks twice a minute, and once when it has rested for ten', () => {
    const round = new PlanCase();
    const waits = [0, 60_000, 300_000, 600_000].map((step) => {
      round.now += step;
      return round.plan().wakeAt - round.now;
    });
    assert.deepEqual(waits, [30_000, 30_000, 40_000, 60_000]);
  });

  test('a retry that is due wakes no round before a moment has passed', () => {
    const round = new PlanCase();
    round.verdicts.set(worker, { kind: 'failed', reason: 'Bad', message: '-', retryAt: 0 });
    assert.equal(round.plan().wakeAt, now + 250);
  });

  test('each action comes with the node it serves and a reason', () => {
    const round = new PlanCase().off(worker);
    const action = { kind: 'runScript', script: 'x' } as const;
    round.schedulerActions = [{ node: 'alpha-head-0', action, why: 'because' }];
    const planned = round.plan().actions;
    assert.deepEqual(
      planned.map(({ node, why }) => [node, why]),
      [
        [worker, 'the domain is shutoff (destroyed)'],
        ['alpha-head-0', 'because'],
      ],
    );
  });
});
