/**
 * 10, 100 and 1,000 clusters of ten nodes each, fifty to a host, in virtual time: what it costs the
 * controller until all are Ready, and at rest. The simulated hosts and guests are in the figures,
 * so the controller alone costs less. Each size is a process of its own, with one thread.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { keepHeapSmall } from '../src/lib/heap.ts';
import type { Row } from './figures.ts';
import { ScaleWorld } from './scale-world.ts';

const workers = 9;
const clustersPerHost = 50;
const sizes = [10, 100, 1000] as const;
const limits = { readySeconds: 60, restPercent: 1, memoryMib: 512 };

interface Measured {
  readySeconds: number;
  /** Virtual seconds until all were Ready. */
  virtualSeconds: number;
  /** CPU time over virtual time, of one core. */
  restPercent: number;
  heapMib: number;
  rssMib: number;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function measure(clusters: number): Promise<Measured> {
  keepHeapSmall();
  const world = new ScaleWorld({ clusters, workers, clustersPerHost });
  const [began, start] = [world.clock.now(), cpuSeconds()];
  await world.start();
  await world.untilAllReady(3_600_000);
  const readySeconds = cpuSeconds() - start;
  const virtualSeconds = (world.clock.now() - began) / 1000;
  // What making them has begun ends within this, and they have rested for so long that they are
  // looked at as seldom as ever.
  await world.clock.advance(900_000);
  globalThis.gc?.();
  const rest = cpuSeconds();
  await world.clock.advance(300_000);
  const restPercent = ((cpuSeconds() - rest) / 300) * 100;
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return {
    readySeconds,
    virtualSeconds,
    restPercent,
    heapMib: heapUsed / 2 ** 20,
    rssMib: rss / 2 ** 20,
  };
}

/** Those that `benchctl` gives to V8, whose memory is measured. */
function heapFlags(): string[] {
  const launcher = readFileSync(new URL('../bin/benchctl', import.meta.url), 'utf8');
  const flags = launcher.match(/--max-semi-space-size=\d+/g);
  if (flags === null) throw new Error('bin/benchctl has no --max-semi-space-size');
  return flags;
}

export async function scale(): Promise<Row[]> {
  const rows: Row[] = [];
  let before: Measured | undefined;
  for (const size of sizes) {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--expose-gc',
      ...heapFlags(),
      fileURLToPath(import.meta.url),
      String(size),
    ]);
    const now: Measured = JSON.parse(stdout);
    rows.push(...rowsOf(size, now, before));
    before = now;
  }
  return rows;
}

function rowsOf(size: number, now: Measured, before: Measured | undefined): Row[] {
  const largest = size === sizes.at(-1);
  const row = (what: string, text: string, goal?: string, met?: boolean): Row => ({
    ...{ bench: 'scale', what: `${size} clusters: ${what}`, count: 1, best: text, median: text },
    ...(largest && goal !== undefined && { goal }),
    ...(largest && met !== undefined && { met }),
  });
  const growth = before && now.readySeconds / before.readySeconds;
  return [
    row(
      `CPU time until Ready (${now.virtualSeconds.toFixed(0)} s of virtual time)`,
      `${now.readySeconds.toFixed(1)} s`,
      `${limits.readySeconds} s`,
      now.readySeconds <= limits.readySeconds,
    ),
    ...(growth === undefined ? [] : [row('growth for ten times the clusters', growth.toFixed(1))]),
    row(
      'CPU at rest, of one core',
      `${now.restPercent.toFixed(2)} %`,
      `${limits.restPercent} %`,
      now.restPercent <= limits.restPercent,
    ),
    row('heap at rest', `${now.heapMib.toFixed(0)} MiB`),
    row(
      'memory at rest (resident)',
      `${now.rssMib.toFixed(0)} MiB`,
      `${limits.memoryMib} MiB`,
      now.rssMib <= limits.memoryMib,
    ),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]))));
  process.exit(0);
}
