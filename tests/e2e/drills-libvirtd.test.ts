/**
 * Drill B2: libvirtd is killed (SIGKILL) at random moments while clusters of guests without an
 * operating system are made and deleted 200 times, up to twelve guests at once. No guest is ever
 * started twice, none is lost, and in the end nothing is left. The moments come of a seed, which is
 * printed. All but one of the clusters are a single guest: two hundred lives with such take 210 to
 * 380 s on two busy cores, where twelve of three guests each, with their drains, took 190 s.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterStatus } from '../../src/crd/status.ts';
import { bareCluster, isRunning, writeBareImage } from './drills/bare.ts';
import { everything, makeStrangers } from './drills/strangers.ts';
import { createBench, eventually } from './test-bench.ts';

/** Guests of each cluster side by side; whichever is gone takes the next life. */
const sizes = [3, 1, 1, 1, 1, 1, 1, 1, 1, 1];
const wantedLives = 200;
const wantedKills = 50;
/** libvirtd dies within the next so many effects that the controller begins, */
const mostEffects = 40;
/** and so soon after the one. */
const longestPauseMs = 50;

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Effects that the controller begins, as its log tells them. */
class Effects {
  readonly #tail: ChildProcess;
  #seen = 0;
  #changed: () => void = () => {};

  constructor(log: string) {
    this.#tail = spawn('tail', ['-f', '-n', '0', log], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#tail.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#seen += text.match(/action started/g)?.length ?? 0;
      this.#changed();
    });
  }

  /** Resolves after so many more of them, or at the end. */
  async next(count: number): Promise<void> {
    const wanted = this.#seen + count;
    while (this.#seen < wanted) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  end(): void {
    this.#tail.kill();
    this.#seen = Number.POSITIVE_INFINITY;
    this.#changed();
  }
}

describe('drill B2', { timeout: 900_000 }, () => {
  it('libvirtd dies again and again while guests come and go', async (t) => {
    const began = performance.now();
    const seed = Number(process.env['DRILL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const random = randomNumbers(seed);
    await using bench = await createBench();
    bench.startController();
    await bench.untilLog(/controller started/);
    const installation = (await bench.readState('installation')).trim();
    await makeStrangers(bench.lab, 'a', installation, 4);
    const before = await everything(bench.lab);
    await writeBareImage(bench);

    let kills = 0;
    let over = false;
    /** Processes of guests with one UUID; more than one would be a guest started twice. */
    let twice = 0;
    let most = 0;
    const countTwice = async () => {
      const found =
        "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -A1 '^-uuid$' || :";
      const { stdout } = await bench.lab.exec(['sh', '-c', found]);
      const uuids = stdout.split('\n').filter((line) => /^[0-9a-f-]{36}$/.test(line));
      twice += uuids.length - new Set(uuids).size;
      most = Math.max(most, uuids.length);
    };
    const effects = new Effects(join(bench.state, '..', 'controller.log'));
    const killing = (async () => {
      while (!over) {
        await effects.next(1 + Math.floor(random() * mostEffects));
        await sleep(random() * longestPauseMs);
        if (over) return;
        await bench.lab.killDaemon({ kill: true });
        await countTwice();
        await bench.lab.startDaemon();
        kills += 1;
      }
    })();
    /** Bridges that a daemon left with the subnet of the network, and a person took away as told. */
    let bridges = 0;
    let obeying = false;
    const obey = async (status: ClusterStatus | undefined) => {
      const told = JSON.stringify(status?.conditions ?? []);
      const bridge = /ip link delete (virbr\d+)/.exec(told)?.[1];
      if (bridge === undefined || obeying) return;
      obeying = true;
      // Only when libvirtd answers for all of its networks that it is none of theirs.
      const look = `all=; for net in $(virsh net-list --name || echo ?); do
          all=$all$(virsh net-dumpxml "$net") || exit 0
        done`;
      const take = `case $all in *"'${bridge}'"*) ;; *) ip link delete ${bridge} && echo deleted ;; esac`;
      const { stdout } = await bench.lab.exec(['sh', '-c', `${look}\n${take} || :`]);
      if (stdout.trim() === 'deleted') bridges += 1;
      obeying = false;
    };
    /** By name, because manifests that vanish at once are held by the breaker; one call for all. */
    const doomed = new Set<string>();
    let deleting = Promise.resolve();
    const remove = (name: string): Promise<void> => {
      doomed.add(`cluster/${name}`);
      deleting = deleting.then(async () => {
        const all = [...doomed];
        doomed.clear();
        if (all.length > 0) await bench.benchctl('delete', ...all);
      });
      return deleting;
    };
    let begun = 0;
    let lives = 0;
    let guests = 0;
    const live = async (size: number, index: number): Promise<void> => {
      const name = `c${index}`;
      const isWhole = (status: ClusterStatus | undefined): boolean => {
        void obey(status);
        return isRunning(size)(status);
      };
      while (begun < wantedLives) {
        begun += 1;
        await bench.write(`${name}.yaml`, bareCluster(name, size - 1));
        await bench.until(name, `${size} guests`, isWhole, 400_000);
        await remove(name);
        await bench.until(name, 'gone', (status) => status === undefined, 200_000);
        lives += 1;
        guests += size;
      }
    };
    await Promise.all(sizes.map(live)).finally(() => {
      over = true;
      effects.end();
      // It must not outlive the lab: its end by that would hide what went wrong.
      return killing;
    });
    await eventually(
      'the host is as before',
      () => everything(bench.lab),
      (now) => now === before,
    );
    const seconds = Math.round((performance.now() - began) / 1000);
    t.diagnostic(
      `B2: ${kills} kills of libvirtd in ${lives} lives of clusters, ${guests} guests, ${most} at once: ` +
        `${twice} guests running twice, 0 left, ${bridges} bridges taken away as told, ` +
        `strangers equal; seed ${seed}; ${seconds} s`,
    );
    assert.equal(twice, 0, `seed ${seed}`);
    assert.ok(most > 3, `at most ${most} guests were seen at once`);
    assert.ok(kills >= wantedKills, `${kills} kills`);
  });
});
