/**
 * Drill B2: libvirtd is killed (SIGKILL) at random moments while clusters of guests without an
 * operating system are made and deleted, twelve guests at once. No guest is ever started twice, none
 * is lost, and in the end nothing is left. The moments come of a seed, which is printed.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterStatus } from '../../src/crd/status.ts';
import { bareCluster, isRunning, writeBareImage } from './drills/bare.ts';
import { everything, makeStrangers } from './drills/strangers.ts';
import { createBench, eventually } from './test-bench.ts';

/** Side by side, of three guests each; and one after the other. */
const clusters = ['a', 'b', 'c', 'd'];
const cyclesEach = 3;
const longestPauseMs = 4_000;

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
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
    const countTwice = async () => {
      const found = "for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/cmdline 2>/dev/null; done";
      const { stdout } = await bench.lab.exec(['sh', '-c', `${found} | grep -A1 '^-uuid$' || :`]);
      const uuids = stdout.split('\n').filter((line) => /^[0-9a-f-]{36}$/.test(line));
      twice += uuids.length - new Set(uuids).size;
    };
    const killing = (async () => {
      while (!over) {
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
    const isWhole = (status: ClusterStatus | undefined): boolean => {
      void obey(status);
      return isRunning(3)(status);
    };
    let cycles = 0;
    const live = async (name: string): Promise<void> => {
      for (let cycle = 0; cycle < cyclesEach; cycle += 1) {
        await bench.write(`${name}.yaml`, bareCluster(name, 2));
        await bench.until(name, 'three guests', isWhole, 400_000);
        // By name, because four manifests that vanish at once are held by the breaker.
        await bench.benchctl('delete', `cluster/${name}`);
        await bench.until(name, 'gone', (status) => status === undefined, 200_000);
        cycles += 1;
      }
    };
    await Promise.all(clusters.map(live)).finally(() => {
      over = true;
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
      `B2: ${kills} kills of libvirtd in ${cycles} lives of clusters, ${3 * clusters.length} guests ` +
        `at once: ${twice} guests running twice, 0 left, ${bridges} bridges taken away as told, ` +
        `strangers equal; seed ${seed}; ${seconds} s`,
    );
    assert.equal(twice, 0, `seed ${seed}`);
    assert.ok(kills >= 10, `${kills} kills`);
  });
});
