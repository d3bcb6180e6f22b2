/** The state store on a real file system. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterRecord, DeletionLedger } from '../../src/controllers/ports.ts';
import { load } from '../../src/crd/load.ts';
import type { ClusterStatus } from '../../src/crd/status.ts';
import { EventLog } from '../../src/drivers/event-log.ts';
import { openStateDirectory } from '../../src/drivers/state-directory.ts';
import { StateError } from '../../src/drivers/state-error.ts';
import { openStateReader } from '../../src/drivers/state-reader.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';
import { clusterText, hostText, imageText } from '../crd/manifest-texts.ts';

const clock = new VirtualClock();

async function place(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'state-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return join(path, 'state');
}

async function opened(t: TestContext, path: string, exclusive = true) {
  const state = await openStateDirectory(path, { clock, exclusive });
  t.after(() => state.close());
  return state;
}

function record(name = 'slurm-a', generation = 1): ClusterRecord {
  const text = `${clusterText({ name })}---\n${hostText()}---\n${imageText('/i')}`;
  const [cluster, host, image] = load('/a.yaml', text).manifests;
  assert(cluster?.kind === 'BenchCluster' && host?.kind === 'BenchHost');
  assert(image?.kind === 'BenchImage');
  return { cluster: cluster.object, host: host.object, images: [image.object], generation };
}

const status: ClusterStatus = {
  observedGeneration: 1,
  conditions: [],
  controlPlane: { name: 'head', replicas: 1, ready: 0, upToDate: 1 },
  workers: [],
  nodes: [],
};

function isFault(fault: string, file: RegExp) {
  return (error: unknown) => {
    assert(error instanceof StateError);
    assert.equal(error.fault, fault);
    assert.match(error.file, file);
    return true;
  };
}

test('what is put is read back, by this and by the next process', async (t) => {
  const path = await place(t);
  const first = await opened(t, path);
  const installation = await first.installation();
  await first.putCluster(record());
  await first.putCluster(record('slurm-b'));
  await first.putStatus('default', 'slurm-a', status);
  await first.close();
  const second = await opened(t, path);
  assert.equal(await second.installation(), installation);
  assert.deepEqual(await second.clusters(), [{ ...record(), status }, record('slurm-b')]);
  await second.removeCluster('default', 'slurm-a');
  await second.removeCluster('default', 'slurm-a');
  assert.deepEqual(await second.clusters(), [record('slurm-b')]);
});

const strays: [string, string, RegExp][] = [
  ['a file among the namespaces', 'clusters/notes.txt', /notes\.txt$/],
  ['a file among the clusters', 'clusters/default/notes', /notes\/record\.json$/],
  ['a name that no cluster can have', 'clusters/default/Slurm_A/x', /Slurm_A$/],
  ['a namespace that none can be', 'clusters/Lab/slurm-a/x', /Lab\/slurm-a$/],
];
for (const [what, stray, file] of strays) {
  test(`${what} is an error that names it, and not one cluster less`, async (t) => {
    const path = await place(t);
    const state = await opened(t, path);
    await state.putCluster(record());
    await mkdir(dirname(join(path, stray)), { recursive: true });
    await writeFile(join(path, stray), '');
    await assert.rejects(state.clusters(), (error) => {
      assert(error instanceof StateError);
      assert.match(error.file, file);
      return true;
    });
  });
}

test('a record keeps the names of images of earlier specs', async (t) => {
  const path = await place(t);
  const state = await opened(t, path);
  const old = { ...record(), formerArtifacts: ['debian-slurm-0123456789ab.qcow2'] };
  await state.putCluster(old);
  assert.deepEqual(await state.clusters(), [old]);
});

test('everything is for the owner alone', async (t) => {
  const path = await place(t);
  const state = await opened(t, path);
  await state.putCluster(record());
  await state.installation();
  await state.secret('default/slurm-a/munge.key', async () => Buffer.from('x'));
  await state.appendEvent({ time: 't', cluster: 'a', type: 'Normal', reason: 'R', message: 'm' });
  for (const name of await readdir(path, { recursive: true })) {
    const { mode } = await lstat(join(path, name));
    assert.equal(mode & 0o077, 0, name);
  }
});

test('a second controller gets an error that names the first, and no lock is left by a dead one', async (t) => {
  const path = await place(t);
  const first = await opened(t, path);
  await assert.rejects(openStateDirectory(path, { clock, exclusive: true }), (error) => {
    assert(error instanceof StateError);
    assert.equal(error.code, 'conflict');
    assert.equal(error.pid, process.pid);
    assert.match(error.next ?? '', /^end that one first/);
    assert.match(error.message, new RegExp(`another controller \\(pid ${process.pid}\\)`));
    return true;
  });
  // A command beside it is welcome.
  await (await opened(t, path, false)).installation();
  await first.close();
  await (await opened(t, path)).close();
});

test('a controller that was killed holds nothing', async (t) => {
  const path = await place(t);
  const driver = new URL('../../src/drivers/state-directory.ts', import.meta.url).href;
  const options = '{ clock: { now: Date.now, after: () => () => {} }, exclusive: true }';
  const script = `
    import { openStateDirectory } from '${driver}';
    await openStateDirectory(${JSON.stringify(path)}, ${options});
    console.log('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await assert.rejects(openStateDirectory(path, { clock, exclusive: true }), (error) => {
    return error instanceof StateError && error.pid === child.pid;
  });
  child.kill('SIGKILL');
  await ended;
  const life = await openStateReader(path).controller();
  assert.equal(life.running, false);
  await opened(t, path);
});

test('of many that start together at most one holds the state', async (t) => {
  const path = await place(t);
  await mkdir(path, { mode: 0o700 });
  const attempts = await Promise.allSettled(
    Array.from({ length: 8 }, () => openStateDirectory(path, { clock, exclusive: true })),
  );
  const held = attempts.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  assert(held.length <= 1);
  for (const each of attempts) {
    if (each.status === 'rejected') assert.equal(each.reason.fault, 'locked');
  }
  for (const state of held) await state.close();
  await (await opened(t, path)).close();
});

test('a secret is made once, also when it is asked for at the same time or by two processes', async (t) => {
  const path = await place(t);
  const state = await opened(t, path);
  const other = await opened(t, path, false);
  let made = 0;
  const create = async () => {
    made += 1;
    return Buffer.from(`secret ${made}`);
  };
  const all = await Promise.all(
    [state, state, other, other].map((each) => each.secret('a/b.key', create)),
  );
  assert.equal(new Set(all.map((each) => Buffer.from(each).toString())).size, 1);
  await assert.rejects(state.secret('../x', create), RangeError);
  await assert.rejects(state.secret('a//b', create), RangeError);
  await assert.rejects(state.secret('a/.b', create), RangeError);
});

test('the secrets of a cluster go with it, and only those', async (t) => {
  const state = await opened(t, await place(t));
  const key = (name: string, text: string) => state.secret(name, async () => Buffer.from(text));
  await key('default/slurm-a/munge.key', 'a');
  await key('default/slurm-b/munge.key', 'b');
  await state.removeCluster('default', 'slurm-a');
  assert.equal(Buffer.from(await key('default/slurm-a/munge.key', 'new')).toString(), 'new');
  assert.equal(Buffer.from(await key('default/slurm-b/munge.key', 'new')).toString(), 'b');
});

test('files and directories that others could read, change or turn are refused', async (t) => {
  const path = await place(t);
  const state = await opened(t, path);
  await state.secret('a/b.key', async () => Buffer.from('x'));
  await state.close();
  const open = () => openStateDirectory(path, { clock, exclusive: true });
  const secret = join(path, 'secrets', 'a', 'b.key');
  await chmod(secret, 0o644);
  await assert.rejects(open(), isFault('unsafe', /b\.key$/));
  await chmod(secret, 0o600);
  await chmod(join(path, 'secrets'), 0o750);
  await assert.rejects(open(), isFault('unsafe', /secrets$/));
  await chmod(join(path, 'secrets'), 0o700);
  await rm(secret);
  await symlink('/etc/hostname', secret);
  await assert.rejects(open(), isFault('unsafe', /b\.key$/));
  await rm(secret);
  await chmod(path, 0o777);
  await assert.rejects(open(), isFault('unsafe', /state$/));
  await chmod(path, 0o755);
  await (await opened(t, path)).close();
});

test('a corrupt record is an error that names the file; a corrupt status is written anew', async (t) => {
  const path = await place(t);
  const state = await opened(t, path);
  await state.putCluster(record());
  await state.putStatus('default', 'slurm-a', status);
  const directory = join(path, 'clusters', 'default', 'slurm-a');
  await writeFile(join(directory, 'status.json'), '{');
  assert.deepEqual(await state.clusters(), [record()]);
  const file = join(directory, 'record.json');
  const good = await readFile(file, 'utf8');
  for (const bad of [
    '',
    '{',
    'null',
    '{}',
    good.replace('slurm-a', 'other'),
    good.replace('"live"', '1').replace('"generation": 1', '"generation": 0'),
  ]) {
    await writeFile(file, bad);
    await assert.rejects(state.clusters(), isFault('corrupt', /record\.json$/));
  }
});

test('what an interrupted write left is swept away and never read', async (t) => {
  const path = await place(t);
  const state = await opened(t, path);
  await state.putCluster(record());
  await state.close();
  const left = join(path, 'clusters', 'default', 'slurm-a', '.record.json.0123456789ab.tmp');
  await writeFile(left, '{');
  const next = await opened(t, path);
  assert.deepEqual(await next.clusters(), [record()]);
  await assert.rejects(lstat(left));
});

test('writes of one file do not overtake each other', async (t) => {
  const path = await place(t);
  const state = await opened(t, path);
  const writes = Array.from({ length: 20 }, (_, index) =>
    state.putCluster(record('slurm-a', index + 1)),
  );
  await Promise.all(writes);
  assert.equal((await state.clusters())[0]?.generation, 20);
});

const event = (number: number) => ({
  time: 't',
  cluster: 'default/a',
  type: 'Normal' as const,
  reason: 'R',
  message: `m${number}`,
});

test('the newest events are kept, in order, whatever a crash cut short', async (t) => {
  const path = await place(t);
  await (await opened(t, path)).close();
  const log = new EventLog(path, 10);
  await Promise.all(Array.from({ length: 57 }, (_, index) => log.append(event(index))));
  const expected = Array.from({ length: 10 }, (_, index) => `m${47 + index}`);
  assert.deepEqual(
    (await log.events()).map(({ message }) => message),
    expected,
  );
  const file = join(path, 'events.jsonl');
  const text = await readFile(file, 'utf8');
  assert(text.split('\n').length <= 21);
  await writeFile(file, text.slice(0, -5));
  const next = new EventLog(path, 10);
  await next.append({ ...event(99), node: 'n' });
  const after = await openStateReader(path).events();
  assert.deepEqual(after.at(-1), { ...event(99), node: 'n' });
  assert.deepEqual(after.at(-2), event(55));
});

test('after a line that was cut by a failed write, no event is lost', async (t) => {
  const path = await place(t);
  await mkdir(path);
  const file = join(path, 'events.jsonl');
  const log = new EventLog(path);
  await log.append(event(1));
  await rm(file);
  await mkdir(file);
  await assert.rejects(log.append(event(2)), isFault('unwritable', /events\.jsonl$/));
  await rm(file, { recursive: true });
  await writeFile(file, `${JSON.stringify(event(1))}\n{"time":"20`);
  await log.append(event(3));
  assert.deepEqual(await new EventLog(path).events(), [event(1), event(2), event(3)]);
});

test('a reader sees state, times and life of the controller, and works without any', async (t) => {
  const path = await place(t);
  const reader = openStateReader(path);
  assert.deepEqual(await reader.clusters(), []);
  assert.deepEqual(await reader.events(), []);
  assert.deepEqual(await reader.controller(), { running: false });
  reader.onChange(() => {})();
  const state = await opened(t, path);
  assert.deepEqual(await reader.controller(), { running: true, pid: process.pid });
  let changes = 0;
  const leave = reader.onChange(() => {
    changes += 1;
  });
  await state.putCluster(record());
  await state.putStatus('default', 'slurm-a', status);
  const deadline = performance.now() + 5_000;
  while (changes === 0 && performance.now() < deadline) await new Promise(setImmediate);
  assert(changes > 0);
  leave();
  const [cluster] = await reader.clusters();
  assert.equal(cluster?.createdAt, '2026-01-01T00:00:00.000Z');
  assert.match(cluster?.statusAt ?? '', /^20\d\d-/);
  await state.close();
  const life = await reader.controller();
  assert(!life.running && life.lastSeen !== undefined);
});

test('a place where no state can be made says why', async (t) => {
  const path = await place(t);
  await writeFile(path, '');
  await assert.rejects(opened(t, join(path, 'state')), /cannot be made \(ENOTDIR\)/);
});

test('of a command that only looked, nobody says that a controller was here', async (t) => {
  const path = await place(t);
  const state = await openStateDirectory(path, { clock, exclusive: false });
  await state.installation();
  await state.close();
  assert.deepEqual(await openStateReader(path).controller(), { running: false });
});

test('a request to delete is heard and shown, decides nothing, and ends with the cluster', async (t) => {
  const path = await place(t);
  const state = await opened(t, path);
  await state.putCluster(record());
  const heard = new Promise<void>((resolve) => state.onDeletionRequest(() => resolve()));
  const reader = openStateReader(path);
  await reader.requestDeletion('default', 'nobody');
  await reader.requestDeletion('default', 'slurm-a');
  await reader.requestDeletion('default', 'slurm-a');
  await heard;
  assert.deepEqual(await state.deletionRequests(), [{ namespace: 'default', name: 'slurm-a' }]);
  assert.equal((await state.clusters())[0]?.deletionTimestamp, undefined);
  assert.match((await reader.clusters())[0]?.record.deletionTimestamp ?? '', /^20\d\d-/);
  await state.forgetDeletionRequest('default', 'slurm-a');
  assert.equal((await reader.clusters())[0]?.record.deletionTimestamp, undefined);
  await reader.requestDeletion('default', 'slurm-a');
  await state.removeCluster('default', 'slurm-a');
  assert.deepEqual(await state.deletionRequests(), []);
});

test('a request is heard also where the system tells of nothing', async (t) => {
  const path = await place(t);
  const time = new VirtualClock();
  const state = await openStateDirectory(path, { clock: time, exclusive: true });
  const deletions = join(path, 'deletions');
  let heard = 0;
  const listener = () => {
    heard += 1;
  };
  // As good as a kernel without watches: what is not there cannot be watched.
  await rm(deletions, { recursive: true });
  const leave = state.onDeletionRequest(listener);
  await mkdir(deletions);
  await writeFile(join(deletions, 'default.slurm-a'), '');
  const looks = async () => {
    await time.advance(10_000);
    for (let turn = 0; turn < 100 && heard === 0; turn += 1) await sleep(10);
  };
  await looks();
  assert.equal(heard, 1);
  await rm(join(deletions, 'default.slurm-a'));
  leave();
  assert.equal(time.pending, 0);
  state.onDeletionRequest(listener);
  await state.close();
  assert.equal(time.pending, 0);
});

test('a state path that is too long for the lock says so', async (t) => {
  const path = join(await place(t), 'x'.repeat(100));
  await assert.rejects(
    openStateDirectory(path, { clock, exclusive: true }),
    isFault('unwritable', /\.sock$/),
  );
});

test('a reader that came before the state directory hears of it', async (t) => {
  const path = join(await place(t), 'later');
  const reader = openStateReader(path);
  t.after(() => reader.close());
  const heard = new Promise<void>((resolve) => reader.onChange(resolve));
  const state = await opened(t, path);
  await state.putCluster(record());
  await heard;
  assert.equal((await reader.clusters()).length, 1);
});

test('a reader hears also of a state that was made anew, which no watch follows', async (t) => {
  const path = await place(t);
  await mkdir(path);
  const reader = openStateReader(path, 50);
  t.after(() => reader.close());
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  reader.onChange(async () => {
    if ((await reader.clusters()).length === 1) resolve();
  });
  await rm(path, { recursive: true });
  const state = await opened(t, path);
  await sleep(200);
  await state.putCluster(record());
  await heard;
});

const ledger: DeletionLedger = {
  held: [
    {
      cluster: 'default/slurm-a',
      deletes: true,
      pools: [{ name: 'head', from: 1, to: 0 }],
      since: '2026-01-01T00:00:00.000Z',
    },
  ],
  nodes: 1,
  goneBefore: 4,
  doubtedSince: '2026-01-01T00:00:00.000Z',
  confirmed: [{ cluster: 'default/b', deletes: false, pools: [{ name: 'c', from: 5, to: 1 }] }],
  changes: [{ at: '2026-01-01T00:00:00.000Z', cluster: 'default/c', pools: [] }],
};

test('what is held survives the process, and its confirmation is heard', async (t) => {
  const path = await place(t);
  const first = await opened(t, path);
  assert.deepEqual((await first.deletionLedger()).held, []);
  await first.putDeletionLedger(ledger);
  await first.close();
  const state = await opened(t, path);
  const reader = openStateReader(path);
  assert.deepEqual(await state.deletionLedger(), ledger);
  assert.deepEqual(await reader.deletionLedger(), ledger);
  const heard = new Promise<void>((resolve) => state.onConfirmation(() => resolve()));
  await reader.confirm('0123456789ab');
  await heard;
  await writeFile(join(path, 'confirmations', 'note.txt'), '');
  assert.deepEqual(await state.confirmations(), ['0123456789ab']);
  await state.forgetConfirmation('0123456789ab');
  await state.forgetConfirmation('0123456789ab');
  assert.deepEqual(await state.confirmations(), []);
  await assert.rejects(async () => reader.confirm('../../etc'), /not a revision/);
});

test('a ledger that cannot be read is an error, and what is held is not forgotten', async (t) => {
  const path = await place(t);
  const state = await opened(t, path);
  await writeFile(join(path, 'deletion-ledger.json'), '{"held": [{}]}');
  await assert.rejects(state.deletionLedger(), isFault('corrupt', /deletion-ledger\.json$/));
});
