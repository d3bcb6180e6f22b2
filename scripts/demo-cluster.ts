/** What both demos share: the cluster that they show, and how they tell what it took. */
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterEvent } from '../src/controllers/ports.ts';

export const manifest = `apiVersion: benchcluster.io/v1alpha1
kind: BenchCluster
metadata:
  name: demo
spec:
  scheduler:
    slurm: {}
  image: debian-slurm
  network:
    name: demo-net
    managed:
      cidr: 192.168.150.0/24
      forward: none
  controlPlane:
    memory: 768Mi
  workers:
  - name: compute
    replicas: 2
    memory: 640Mi
`;

export const say = (text: string) => process.stdout.write(`${text}\n`);

/** Rejects if the controller ends before it is told to. */
export function endOf(controller: ChildProcess): Promise<never> {
  return new Promise((_, reject) => {
    controller.once('exit', (code, signal) =>
      reject(new Error(`the controller ended: ${signal ?? `exit code ${code}`}`)),
    );
  });
}

/** What took how long, from the events of the controller itself. */
export async function took(state: string): Promise<string> {
  const text = await readFile(join(state, 'events.jsonl'), 'utf8');
  const events = text
    .trim()
    .split('\n')
    .map((line): ClusterEvent => JSON.parse(line));
  const begin = Date.parse(events[0]?.time ?? '');
  const after = (event: ClusterEvent | undefined) =>
    event ? `${((Date.parse(event.time) - begin) / 1000).toFixed(1)} s` : 'unknown';
  const nodes = [...new Set(events.flatMap(({ node }) => node ?? []))].sort();
  const rows = nodes.map((node) => {
    const own = events.filter((event) => event.node === node);
    const phase = (name: string) => own.find(({ message }) => message.startsWith(`${name}:`));
    return [
      node.padEnd(20),
      after(phase('Booting')).padStart(12),
      after(phase('Configuring') ?? phase('Ready')).padStart(12),
      after(phase('Ready')).padStart(12),
    ].join('');
  });
  const head = `${'After'.padEnd(20)}${'VM started'.padStart(12)}${'reached'.padStart(12)}${'ready'.padStart(12)}`;
  return [head, ...rows, ''].join('\n');
}
