/** Which machine the figures are of, in words: they say nothing without it. */
import { cpus, loadavg, release, totalmem } from 'node:os';

export function machineText(): string {
  const [cpu] = cpus();
  const gib = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${gib} GiB, Linux ${release()}`;
}

/** A machine with other work on it makes figures of little worth: so they are told beside it. */
export function loadText(): string {
  return `load ${(loadavg()[0] ?? 0).toFixed(2)}`;
}
