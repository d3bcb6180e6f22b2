// Calls per second of the libvirt client against python3-libvirt and virsh, interleaved in one
// run on a private libvirtd, so that all meet the same machine at the same moment.
// Many short rounds, because a busy machine has short quiet moments.
// The call is DOMAIN_GET_STATE of a paused QEMU guest. Ratios above 1 mean that we are faster.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startLab } from '../lab/start.ts';
import { type Connection, connect } from '../src/libvirt/connection.ts';
import { dialUnix } from '../src/libvirt/dial.ts';
import { DomainCreate } from '../src/libvirt/flags.ts';
import type { FoundDomain } from '../src/libvirt/procedures/handle.ts';
import { median, type Row } from './figures.ts';

const calls = 2000;
const virshCalls = 300;

const GUEST = `<domain type='qemu'><name>bench</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os></domain>`;

type Runner = () => Promise<number>;

async function ours(connection: Connection, domain: FoundDomain, lanes: number): Promise<number> {
  const start = performance.now();
  const lane = async (): Promise<void> => {
    for (let done = 0; done < calls / lanes; done += 1) await connection.domains.state(domain);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return calls / ((performance.now() - start) / 1000);
}

function pythonPeer(uri: string): { child: ChildProcess; run(threads: number): Promise<number> } {
  const script = fileURLToPath(new URL('./libvirt-calls.py', import.meta.url));
  const child = spawn('/usr/bin/python3', [script, uri, 'bench'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const run = async (threads: number): Promise<number> => {
    child.stdin.write(`${threads} ${calls}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error('python3-libvirt gave no answer');
    return Number(value);
  };
  return { child, run };
}

async function virsh(uri: string): Promise<number> {
  const start = performance.now();
  const child = spawn('virsh', ['-q', '-c', uri], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end('domstate bench\n'.repeat(virshCalls));
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`virsh ended with ${code}`);
  return virshCalls / ((performance.now() - start) / 1000);
}

function rowsOf(results: ReadonlyMap<string, readonly number[]>): Row[] {
  const bench = 'libvirt-calls';
  const rates = [...results].map(([what, of]) => ({
    ...{ bench, what: `${what}, calls per second`, count: of.length },
    ...{ best: Math.max(...of).toFixed(0), median: median(of).toFixed(0) },
  }));
  const ratio = (ours: string, theirs: string, goal?: number): Row => {
    const [x, y] = [results.get(ours) ?? [], results.get(theirs) ?? []];
    const middle = median(x.map((rate, round) => rate / (y[round] ?? Number.NaN)));
    return {
      ...{ bench, what: `${ours} / ${theirs}`, count: x.length },
      best: (Math.max(...x) / Math.max(...y)).toFixed(2),
      median: middle.toFixed(2),
      ...(goal !== undefined && { goal: `>= ${goal}`, met: middle >= goal }),
    };
  };
  return [
    ...rates,
    ratio('ours, sequential', 'python, sequential', 1),
    ratio('ours, 4 in flight', 'python, sequential', 1),
    ratio('ours, 4 in flight', 'python, 4 threads', 1),
    ratio('ours, 4 in flight', 'ours, sequential'),
    ratio('ours, sequential', 'virsh, piped'),
  ];
}

export async function libvirtCalls({ rounds }: { rounds: number }): Promise<Row[]> {
  await using lab = await startLab({ kvm: 'off' });
  const uri = `qemu+unix:///system?socket=${lab.socket}`;
  using connection = await connect({ dial: dialUnix(lab.socket), name: 'qemu:///system' });
  const domain = await connection.domains.define(GUEST);
  await connection.domains.create(domain, DomainCreate.paused);
  const python = pythonPeer(uri);
  const runners: Record<string, Runner> = {
    'ours, sequential': () => ours(connection, domain, 1),
    'python, sequential': () => python.run(1),
    'ours, 4 in flight': () => ours(connection, domain, 4),
    'python, 4 threads': () => python.run(4),
    'virsh, piped': () => virsh(uri),
  };
  const results = new Map<string, number[]>(Object.keys(runners).map((name) => [name, []]));
  for (const run of Object.values(runners)) await run();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(runners)) results.get(name)?.push(await run());
  }
  python.child.stdin?.end();
  return rowsOf(results);
}
