/**
 * What a converged cluster costs: CPU time of the controller, its memory, and its calls to libvirt,
 * while nothing happens. The cluster is real, so its rounds ask a real Slurm. Calls are counted by
 * libvirtd's own log, which tells each message that it receives.
 */
import { readFile } from 'node:fs/promises';
import { manifestToReady, slurmStage } from './cluster-ready.ts';
import type { Row } from './figures.ts';
import { cpuSeconds, now, type Stage, sleep } from './stage.ts';

/** What making the cluster has begun, such as facts that are read once more, ends within this. */
const calmMs = 10_000;

async function memoryMib(pid: number, key: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
}

/** The end of counting; resolves with the messages since then. */
async function countCalls({ lab }: Stage): Promise<() => Promise<number>> {
  const log = '/var/log/libvirt/calls.log';
  const admin = (...argv: string[]) => lab.exec(['virt-admin', ...argv]);
  await admin('daemon-log-outputs', `1:file:${log}`);
  await admin('daemon-log-filters', '1:rpc.netserverprogram');
  return async () => {
    await admin('daemon-log-filters', '');
    // The programs of libvirt itself and of its QEMU driver; type 0 is a call.
    const call = 'virNetServerProgramDispatch.*prog=53690381[45] .*type=0';
    const { stdout } = await lab.exec(['grep', '-c', call, log], { check: false });
    return Number(stdout);
  };
}

export async function rest(seconds: number): Promise<Row[]> {
  await using stage = await slurmStage();
  await manifestToReady(stage);
  await sleep(calmMs);
  const pid = stage.controllerPid();
  const counted = await countCalls(stage);
  const [began, before] = [now(), await cpuSeconds(pid)];
  await sleep(seconds * 1000);
  const minutes = (now() - began) / 60_000;
  const cpuMs = ((await cpuSeconds(pid)) - before) * 1000;
  const calls = await counted();
  const row = (what: string, text: string): Row => ({
    ...{ bench: 'rest', what, count: 1, best: text, median: text },
  });
  return [
    row('CPU time of the controller per minute', `${(cpuMs / minutes).toFixed(0)} ms`),
    row('libvirt calls per minute', (calls / minutes).toFixed(0)),
    row('memory (resident)', `${(await memoryMib(pid, 'VmRSS')).toFixed(0)} MiB`),
    row('memory (highest ever)', `${(await memoryMib(pid, 'VmHWM')).toFixed(0)} MiB`),
  ];
}
