/**
 * Drill B23: the watched directory under everything that a real file system can do to it. The
 * watcher is a process of its own, an ordinary user's, in a mount namespace of its own. inotify's
 * queue (16,384 events) is a setting of the whole machine, so it is not made smaller: the process is
 * stopped until more has happened than the queue can hold, which loses events just the same.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rename, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { clusterText } from '../crd/manifest-texts.ts';
import { eventually } from './test-bench.ts';

const program = fileURLToPath(new URL('./drills/watcher.ts', import.meta.url));
const nobody = 65_534;
const queueEvents = 16_384;

interface Seen {
  trusted: boolean;
  /** `name=replicas` of each cluster, with `!` when it is said to be gone. */
  clusters: string[];
}

describe('drill B23', {
  skip: process.getuid?.() === 0 ? false : 'mounts need root',
  timeout: 300_000,
}, () => {
  const root = mkdtempSync(join(tmpdir(), 'drill-directory-'));
  const dir = join(root, 'clusters');
  const elsewhere = join(root, 'elsewhere');
  let watcher: ChildProcess;
  let pid = 0;
  let now: Seen = { trusted: false, clusters: [] };
  let snapshots = 0;
  /** Moments at which an absent cluster counted as deleted: trusted, and not listed any more. */
  let losses = 0;
  const counts: string[] = [];

  const inside = (...argv: string[]) =>
    execFileSync('nsenter', ['-t', `${pid}`, '-m', '--', ...argv]);
  const replace = async (file: string, replicas: number, name = 'a', folder = dir) => {
    await writeFile(join(folder, `.${file}.tmp`), clusterText({ name, replicas }));
    await rename(join(folder, `.${file}.tmp`), join(folder, file));
  };
  const until = (what: string, check: (seen: Seen) => boolean) =>
    eventually(what, async () => now, check, 30_000);
  const sees = (replicas: number) =>
    until(`a=${replicas}`, ({ clusters }) => clusters.includes(`a=${replicas}`));

  before(async () => {
    for (const folder of [dir, elsewhere]) mkdirSync(folder);
    execFileSync('chown', ['-R', `${nobody}:${nobody}`, root]);
    await replace('a.yaml', 1);
    const mounts = ['unshare', '--mount', '--propagation', 'private', '--'];
    const user = ['setpriv', '--pdeathsig', 'KILL', '--reuid', `${nobody}`, '--clear-groups', '--'];
    const [first = '', ...rest] = [...mounts, ...user, process.execPath, program, dir];
    watcher = spawn(first, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    pid = watcher.pid ?? 0;
    createInterface({ input: watcher.stdout ?? assert.fail() }).on('line', (line) => {
      now = JSON.parse(line) as Seen;
      snapshots += 1;
      const has = now.clusters.some((cluster) => cluster.startsWith('a='));
      if (now.trusted && !has) losses += 1;
    });
    await until('a=1, trusted', ({ trusted, clusters }) => trusted && clusters.includes('a=1'));
  });
  after(() => {
    watcher?.kill('SIGKILL');
    rmSync(root, { recursive: true, force: true });
  });

  it('more events than the queue holds, while it sleeps', async () => {
    watcher.kill('SIGSTOP');
    // Each save makes at least four events.
    const saves = queueEvents / 4 + 1_000;
    for (let save = 0; save < saves; save += 1) await replace('a.yaml', save % 900);
    await replace('a.yaml', 901);
    await replace('b.yaml', 7, 'b');
    watcher.kill('SIGCONT');
    await sees(901);
    await until('b', ({ clusters }) => clusters.includes('b=7'));
    counts.push(`${saves} saves into a full queue`);
  });

  it('five thousand saves, a thousand a second', async () => {
    const began = performance.now();
    const saves = 5_000;
    const [part, whole] = [join(dir, '.a.yaml.tmp'), join(dir, 'a.yaml')];
    for (let save = 0; save < saves; save += 1) {
      const due = began + save;
      while (performance.now() < due) await new Promise(setImmediate);
      // At once: a promise for each step is too slow for so many.
      writeFileSync(part, clusterText({ name: 'a', replicas: save % 900 }));
      renameSync(part, whole);
    }
    await replace('a.yaml', 902);
    await sees(902);
    const rate = Math.round((1000 * saves) / (performance.now() - began));
    counts.push(`${saves} saves, ${rate} a second`);
  });

  it('another directory mounted over it, taken away again', async () => {
    for (let time = 0; time < 3; time += 1) {
      inside('mount', '--bind', elsewhere, dir);
      await until('it is not trusted', ({ trusted }) => !trusted);
      inside('umount', '-l', dir);
      await until('it is trusted again', ({ trusted }) => trusted);
      await replace('a.yaml', 100 + time);
      await sees(100 + time);
    }
    counts.push('3 mounts over it');
  });

  it('its own mount taken away: the place is empty, nothing is deleted', async () => {
    inside('mount', '--bind', elsewhere, elsewhere);
    await replace('a.yaml', 903, 'a', elsewhere);
    inside('mount', '--bind', elsewhere, dir);
    await sees(903);
    inside('umount', '-l', dir);
    await sees(102);
    counts.push('1 bind mount taken away');
  });

  it('permissions taken away and given back', async () => {
    for (let time = 0; time < 3; time += 1) {
      execFileSync('chmod', ['000', dir]);
      await until('it is not trusted', ({ trusted }) => !trusted);
      execFileSync('chmod', ['755', dir]);
      await until('it is trusted again', ({ trusted }) => trusted);
      await replace('a.yaml', 200 + time);
      await sees(200 + time);
    }
    counts.push('3 times mode 000');
  });

  it('the directory renamed away and back, and another one in its place', async () => {
    const away = join(root, 'away');
    await rename(dir, away);
    await until('it is not trusted', ({ trusted }) => !trusted);
    cpSync(away, dir, { recursive: true });
    execFileSync('chown', ['-R', `${nobody}:${nobody}`, dir]);
    await until('it is trusted again', ({ trusted }) => trusted);
    await replace('a.yaml', 300);
    await sees(300);
    counts.push('1 directory replaced');
  });

  it('versions of a ConfigMap, swapped by a symbolic link', async () => {
    const swaps = 200;
    for (let version = 0; version < swaps; version += 1) {
      mkdirSync(join(dir, `..v${version}`));
      await replace('c.yaml', version, 'c', join(dir, `..v${version}`));
      await symlink(`..v${version}`, join(dir, '..data_tmp'));
      await rename(join(dir, '..data_tmp'), join(dir, '..data'));
      if (version === 0) await symlink('..data/c.yaml', join(dir, 'c.yaml'));
      else rmSync(join(dir, `..v${version - 1}`), { recursive: true });
    }
    await until('the last', ({ clusters }) => clusters.includes(`c=${swaps - 1}`));
    counts.push(`${swaps} swaps of a link`);
  });

  it('and never was a cluster taken for deleted', (t) => {
    t.diagnostic(`B23: ${counts.join(', ')}; ${snapshots} snapshots, ${losses} losses`);
    assert.equal(losses, 0);
    assert.equal(watcher.exitCode, null);
  });
});
